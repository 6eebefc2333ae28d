//! What the rules make of messages, as tables and measured on sets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod measured;
mod tables;
