//! The outside world, as servers over real HTTP on loopback: for tests, and for the demo.
//!
//! - [`telegram`]: a Bot API server that checks every request against the published schema, keeps
//!   the real server's rules and can be told to fail.
//! - [`openai`] and [`anthropic`]: servers of models that stream, and can be told to fail.
//! - [`smtp`]: a strict mail server that remembers what it was given, and can be told to fail.
//! - [`proxy`]: a TCP proxy that breaks connections.
//! - [`rerank`]: a server that reranks, and can be told to fail.
//! - [`s3`]: a strict S3-compatible store, which can be told to fail.
//! - [`site`]: a web site for crawlers, and can be told to misbehave.
//! - [`program`] and [`api`]: our own program as a child process, and a person who uses its API.
//!
//! A call can be [held](Hold) until the test has done what is to happen in the meantime.
//!
//! Every server listens on a free port of 127.0.0.1 unless told otherwise, and ends when its handle
//! is dropped. All of them keep a bounded history, and none of them writes to disk.

pub mod anthropic;
pub mod api;
mod hold;
mod net;
pub mod openai;
pub mod program;
pub mod proxy;
pub mod rerank;
pub mod s3;
pub mod site;
pub mod smtp;
pub mod telegram;

pub use hold::Hold;
pub use net::http_client;
