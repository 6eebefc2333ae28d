//! Telegram bots: channels of the kind `telegram`, with what is Telegram's of them.

use chrono::{DateTime, Utc};

use crate::{
    channel::ChannelStatus,
    command::OwnerCommand,
    ids::{AssistantId, ChannelId, WorkspaceId},
    words::words,
};

words! {
    /// How updates are received.
    BotMode {
        /// By webhook when the installation has a public https address, by polling otherwise.
        Auto = "auto",
        /// Telegram calls us.
        Webhook = "webhook",
        /// We ask Telegram.
        Polling = "polling",
    }
}

/// A channel of the kind `telegram`, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Identity.
    pub id: ChannelId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant that answers through it.
    pub assistant_id: AssistantId,
    /// Telegram's number for the bot: the part of the token before the colon.
    pub telegram_id: i64,
    /// Its name in Telegram, without the `@`.
    pub username: String,
    /// How updates are received.
    pub mode: BotMode,
    /// The commands of its owner.
    pub commands: Vec<OwnerCommand>,
    /// What the owner wants, and whether it can be had.
    pub status: ChannelStatus,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Whether Telegram can reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// At a public address with HTTPS.
    PublicHttps,
    /// We have no such address.
    Unreachable,
}

impl BotMode {
    /// The way that is really used: `Auto` becomes a webhook where Telegram can reach us.
    #[must_use]
    pub const fn resolve(self, reachability: Reachability) -> Self {
        match (self, reachability) {
            (Self::Auto, Reachability::PublicHttps) => Self::Webhook,
            (Self::Auto, Reachability::Unreachable) => Self::Polling,
            (chosen, _) => chosen,
        }
    }
}
