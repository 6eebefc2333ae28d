//! Channels: foreign messages to ours (`Inbound`), and ours (`Outbound`) to theirs.
//!
//! A channel knows its network's form and its network's moods, and nothing of what is said: it
//! stores nothing, decides nothing about a dialog, and keeps no queue. What may be sent again after
//! a failure is for the caller to decide, from the kind of the error.

pub mod email;
pub mod telegram;
