//! The use cases of assistants, called as the API and the command line call them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod assistants;
mod documents;
mod given;
mod strangers;
