//! The models there are: one that quotes its sources, and those behind the servers of providers.
//!
//! What the protocols share is here: `http` sends a request and tells what was refused,
//! `parameters` knows which parameters a model takes, `sse` reads events, `events` joins them to an
//! answer and `detail` makes a provider's words fit to be kept.

mod detail;
mod events;
mod http;
mod parameters;
mod sse;

pub(crate) mod anthropic;
pub(crate) mod embeddings;
pub(crate) mod extractive;
pub(crate) mod openai;
pub(crate) mod rerank;
