//! What the storage promises, on both of its homes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod given;

mod accounts;
mod assistants;
mod attachments;
mod bots;
mod copy;
mod deliveries;
mod documents;
mod errors;
mod evaluation;
mod events;
mod fair;
mod files;
mod isolation;
mod jobs;
mod kept_answers;
mod ledger;
mod migrations;
mod model_calls;
mod model_keys;
mod operators;
mod outbox;
mod pages;
mod passages;
mod people;
mod processes;
mod schema_hold;
mod sizes;
mod sources;
mod sqlite;
mod status_words;
mod stored;
mod turns;
mod uploads;
mod workspaces;
