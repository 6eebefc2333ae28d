//! What passes between a channel (Telegram, later others) and the engine.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// Where a customer writes from.
    ChannelKind {
        /// A Telegram bot.
        Telegram = "telegram",
    }
}

words! {
    /// What kind of chat a contact is.
    ChatKind {
        /// One person.
        Private = "private",
        /// Several people, under stricter limits.
        Group = "group",
    }
}

/// What a channel delivered, understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel's own number of the delivery, unique for one bot.
    pub update_id: i64,
    /// The chat it came from, as the channel numbers it.
    pub chat_id: i64,
    /// What kind of chat that is.
    pub chat_kind: ChatKind,
    /// The name the customer gives themselves.
    pub display_name: String,
    /// The customer's language as the channel reports it (`ru`, `en-US`).
    pub language_code: Option<String>,
    /// When the customer sent it, by the channel's clock.
    pub sent_at: DateTime<Utc>,
    /// What was said or done.
    pub content: InboundContent,
}

/// What a customer said or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InboundContent {
    /// Words to be answered.
    Text {
        /// The words, trimmed, not empty.
        text: String,
        /// The channel's number of the message.
        message_id: i64,
    },
    /// The conversation was opened (`/start`).
    Start {
        /// The channel's number of the message.
        message_id: i64,
    },
    /// Something we cannot read yet (a photo, a sticker): kept as a note of its kind, and answered
    /// so.
    Unsupported {
        /// What it was: `photo`, `voice`, `sticker`, ...
        what: String,
        /// The channel's number of the message.
        message_id: i64,
    },
    /// The customer blocked the bot.
    Blocked,
    /// The customer unblocked the bot.
    Unblocked,
    /// The group became one of another kind, and its chat got another number.
    Moved {
        /// The chat's number from now on.
        to_chat_id: i64,
    },
}

/// One part of a reply, ready for a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    /// What the channel formats (Telegram HTML), when the text has any formatting.
    pub formatted: Option<String>,
    /// The same in plain text: sent when there is no formatting, or when the channel refuses it.
    pub plain: String,
}
