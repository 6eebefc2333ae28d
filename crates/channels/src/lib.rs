//! Channels: the networks in which customers write, and e-mail.
//!
//! A [`Channel`] makes the parts of a reply from an answer, sends them, and says what a failure
//! means ([`SendOutcome`]). It knows its network's form and its network's moods, and nothing of
//! what is said: it stores nothing, decides nothing about a dialog, and keeps no queue. Whether a
//! part is sent again is for the caller to decide, from its outcome.
//!
//! A new kind is a word in `replyx_core::channel::ChannelKind`, a type that is a [`Channel`], and a
//! line in [`Channels::of`]; how its deliveries arrive is the affair of the crate that receives
//! them.

pub mod api;
mod channel;
pub mod email;
mod kinds;
pub mod telegram;

pub use channel::{Channel, ChannelEvent, FetchFailed, Pace, Paces, Route, SendOutcome};
pub use kinds::{Channels, ChannelsConfig, is_blank};
