//! Telegram's Bot API.
//!
//! 1. An update arrives: [`BotClient::get_updates`] asks for it, or [`webhook::update_from`] reads
//!    the body that Telegram posted. Both give [`RawUpdate`]s.
//! 2. [`inbound::read`] says what an update means for us, or why it means nothing.
//! 3. [`format::outbound`] makes the parts of a reply from an answer in Markdown.
//! 4. [`Telegram`] is a [`Channel`](crate::Channel): it sends a part with
//!    [`BotClient::send_message`] and says what became of it.
//!
//! Steps 2 and 3 are pure functions. Neither a token nor an address of a request is ever part of
//! an error: tokens are in the addresses.

mod answer;
mod channel;
mod client;
mod error;
pub mod format;
pub mod inbound;
mod place;
mod rates;
mod split;
mod types;
pub mod webhook;

pub use client::{BotClient, Limits, Telegram};
pub use error::TelegramError;
pub use rates::Rates;
pub use types::{BotProfile, OutgoingFile, RawUpdate, Words};

/// The most UTF-16 units that a message may have, without its markup.
pub const TEXT_LIMIT: usize = 4096;
