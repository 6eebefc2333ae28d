//! The real program over real HTTP, on both homes, with the outside world simulated.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod auth;
mod bad_input;
mod bots;
mod cli;
mod demo;
mod events;
mod harness;
mod main_path;
mod models;
mod operations;
mod tenants;
mod webhooks;
