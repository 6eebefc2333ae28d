//! An assistant's way into Telegram.

use chrono::{DateTime, Utc};

use crate::{
    ids::{AssistantId, BotId, WorkspaceId},
    words::words,
};

words! {
    /// How updates reach us.
    BotMode {
        /// By webhook when the installation has a public https address, by polling otherwise.
        Auto = "auto",
        /// Telegram calls us.
        Webhook = "webhook",
        /// We ask Telegram.
        Polling = "polling",
    }
}

words! {
    /// What the owner wants of a bot, and whether it can be had.
    BotStatus {
        /// Runs, or will as soon as a process takes it.
        Running = "running",
        /// Switched off by its owner.
        Stopped = "stopped",
        /// Cannot run until somebody acts: the token was revoked, or another program polls it.
        Failed = "failed",
    }
}

/// A bot, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Identity.
    pub id: BotId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant that answers through it.
    pub assistant_id: AssistantId,
    /// Telegram's number for the bot: the part of the token before the colon.
    pub telegram_id: i64,
    /// Its name in Telegram, without the `@`.
    pub username: String,
    /// How updates reach us.
    pub mode: BotMode,
    /// What the owner wants, and whether it can be had.
    pub status: BotStatus,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl BotMode {
    /// The way that is really used: `Auto` becomes a webhook where Telegram can reach us.
    #[must_use]
    pub const fn resolve(self, public_https: bool) -> Self {
        match (self, public_https) {
            (Self::Auto, true) => Self::Webhook,
            (Self::Auto, false) => Self::Polling,
            (chosen, _) => chosen,
        }
    }
}
