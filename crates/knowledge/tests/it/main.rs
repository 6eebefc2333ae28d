//! Knowledge from outside: real files, a real child process, both databases.

#![allow(clippy::unwrap_used, reason = "what fails in a test's scenery fails the test")]

mod child;
mod chunk;
mod crawl_sources;
mod fusion;
mod index;
mod neighbours;
mod people;
mod replaced;
mod rerank;
mod search;
mod shop;
mod typo;
mod vectors;
