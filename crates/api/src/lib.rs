//! HTTP: routes, extractors, problems, `OpenAPI`, event streams.
//!
//! [`router()`] joins everything. A handler's signature tells who may call it: an extractor of
//! [`caller`] stands in it, or the route is one of the few public ones. Bodies and queries come in
//! through [`input`], which refuses what is malformed with one kind of answer; all failures leave
//! as [`error::ApiError`], an RFC 9457 problem.
//!
//! One folder per resource, one file per operation; what an object looks like to a client is in the
//! folder's root file.

#![allow(
    clippy::missing_errors_doc,
    reason = "how an operation fails stands in its `OpenAPI` responses"
)]

pub mod access;
pub mod address;
pub mod admin;
pub mod answers;
mod asset;
pub mod assistants;
pub mod attachments;
pub mod auth;
pub mod billing;
pub mod bots;
pub mod bounds;
mod bulk;
pub mod caller;
pub mod canned_replies;
pub mod channels;
mod coding;
mod console;
pub mod cookies;
pub mod csrf;
pub mod dialogs;
mod docs;
pub mod documents;
mod door;
pub mod error;
pub mod evaluation;
pub mod events;
#[cfg(test)]
mod fair_places;
pub mod guesses;
mod headers;
pub mod health;
pub mod hooks;
mod html;
mod hub;
mod idempotency;
pub mod identity;
pub mod index;
pub mod input;
mod landing;
mod limits;
pub mod location;
mod measure;
pub mod models;
pub mod openapi;
pub mod operators;
pub mod page;
pub mod problems;
mod query;
mod rate_headers;
pub mod rates;
pub mod router;
pub mod shares;
pub mod sizes;
pub mod sources;
pub mod state;
mod streams;
pub mod tagged;
pub mod tags;
mod tickets;
mod transfer;
pub mod usage;
pub mod users;
pub mod vitals;
pub mod words;
pub mod workspaces;

pub use bounds::Bounds;
pub use router::{probes, router};
pub use state::{ApiSettings, AppState, WebhookScheme};
pub use streams::EndlessResponse;
