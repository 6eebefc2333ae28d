//! Use cases about people, called as handlers and the command line call them. What a client sees of
//! them is tested in `server/tests/it`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod given;
mod invitations;
mod keys;
mod sign_in;
