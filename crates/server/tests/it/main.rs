//! The real program over real HTTP, on both homes, with the outside world simulated.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod admin_cli;
mod api_keys;
mod attacks;
mod audit_log;
mod auth;
mod bad_input;
mod bots;
mod browser_session;
mod cli;
mod conventions;
mod coverage;
mod demo;
mod events;
mod harness;
mod idempotency;
mod mailbox;
mod main_path;
mod models;
mod openapi;
mod operations;
mod passwords;
mod profile;
mod second_factor;
mod sessions;
mod signin;
mod signup;
mod tenants;
mod two_processes;
mod webhooks;
mod workspaces;
