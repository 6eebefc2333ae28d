//! The real program over real HTTP, on both homes, with the outside world simulated.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod admin_cli;
mod answers;
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
mod doctor;
mod evaluations;
mod events;
mod harness;
mod idempotency;
mod knowledge_eval;
mod large_assistant;
mod locks;
mod mailbox;
mod main_path;
mod model_keys;
mod models;
mod openapi;
mod operations;
mod passwords;
mod preview;
mod profile;
mod second_factor;
mod sessions;
mod sharing;
mod signin;
mod signup;
mod sources;
mod tenants;
mod two_processes;
mod usage;
mod versions;
mod webhooks;
mod workspaces;
