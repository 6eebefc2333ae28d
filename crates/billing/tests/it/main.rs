//! What the rules of money promise, and what the ledger keeps of them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod books;
mod given;
mod sequences;
mod spend;
mod verify;
mod watch;
