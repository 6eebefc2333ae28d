//! Channels: the ways in which customers and an assistant write to each other, and what passes
//! through them.
//!
//! A channel's network is known to `channels` and to the crate that receives from it. Everybody
//! else sees a [`Channel`] with a kind, customers with an [`Address`], deliveries with a
//! [`DeliveryKey`], and what is said as [`InboundContent`] and [`Outbound`].

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AssistantId, ChannelId, WorkspaceId},
    words::words,
};

mod content;

pub use content::{Attachment, Button, Entity, InboundContent, Outbound, OutboundText, Style};

words! {
    /// The network, or the interface, that a channel belongs to.
    ChannelKind {
        /// A Telegram bot.
        Telegram = "telegram",
        /// A program of the owner, which posts what its users say and reads the replies.
        Api = "api",
    }
}

impl ChannelKind {
    /// How many dialogs of such a channel an operator is given at once, unless they say otherwise.
    pub const fn usual_capacity(self) -> i64 {
        match self {
            Self::Telegram => 5,
            Self::Api => 3,
        }
    }
}

/// By their words: how operators' numbers are sorted.
impl Ord for ChannelKind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for ChannelKind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

words! {
    /// The state of a channel: the one its owner wants, and the actual one.
    ChannelStatus as "BotStatus" {
        /// Runs, or will as soon as a process takes it.
        Running = "running",
        /// Switched off by its owner.
        Stopped = "stopped",
        /// Cannot run until somebody acts: the token was revoked, or another program polls it.
        Failed = "failed",
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

/// A way in which customers and an assistant write to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Identity.
    pub id: ChannelId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant that answers in it.
    pub assistant_id: AssistantId,
    /// Which network it belongs to.
    pub kind: ChannelKind,
    /// What it is called: the name of a bot in Telegram, or what its owner calls it.
    pub name: String,
    /// What the owner wants, and whether it can be had.
    pub status: ChannelStatus,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self { Self(text) }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self(text.to_owned()) }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self { Self(number.to_string()) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )+};
}

texts! {
    /// Where a customer is reached within a channel, in the channel's own words: the number of a
    /// chat in Telegram, the name that a program of the owner gave.
    Address,
    /// What tells one delivery of a channel from all others of it: the number of an update in
    /// Telegram, the id that a program of the owner gave.
    DeliveryKey,
    /// The channel's own name of a message.
    MessageRef,
}

impl Address {
    /// The same place in a chat that got another address; `None` when it is not in the chat `from`.
    ///
    /// A conversation within a chat (a topic, one person of a group) has the address of the chat,
    /// followed by `/` or `@` and what tells it from the others.
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        let within = self.0.strip_prefix(&from.0)?;
        let is_in_chat = within.is_empty() || within.starts_with(['/', '@']);
        is_in_chat.then(|| Self(format!("{to}{within}")))
    }
}

/// Words of an earlier message to which a customer points: the message they reply to, or the part
/// of it that they chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// The words.
    pub text: String,
    /// Whether we said them.
    pub ours: bool,
}

/// What a channel delivered, understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// What makes a repeat of the delivery harmless.
    pub key: DeliveryKey,
    /// Deliveries of one channel that are stored together are stored in this order; equal ones in
    /// that of their arrival.
    pub order: i64,
    /// Where it came from.
    pub address: Address,
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
    /// The earlier words that it is about, where the customer points to some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_chat_moves_with_it() {
        let from = Address::from(-7);
        let to = Address::from(-1_000_000_000_007);
        let moved = |address: &str| {
            Address::from(address).moved(&from, &to).map(|address| address.to_string())
        };
        assert_eq!(moved("-7").as_deref(), Some("-1000000000007"));
        assert_eq!(moved("-7@5").as_deref(), Some("-1000000000007@5"));
        assert_eq!(moved("-7/3@5").as_deref(), Some("-1000000000007/3@5"));
        for elsewhere in ["-77", "-77@5", "7", "-8@7", ""] {
            assert_eq!(moved(elsewhere), None, "{elsewhere}");
        }
    }
}
