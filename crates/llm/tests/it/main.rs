//! What the crate promises, tried over real HTTP and on real questions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod admission;
mod anthropic;
mod blame;
mod breaker;
mod embed;
mod failover;
mod figures;
mod keys;
mod markup;
mod models;
mod money;
mod openai;
mod prices;
mod provider;
mod responses;
mod tokens;
