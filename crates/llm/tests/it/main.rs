//! What the crate promises, tried over real HTTP and on real questions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod extractive;
mod figures;
mod openai;
