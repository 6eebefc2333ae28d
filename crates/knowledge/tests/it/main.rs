//! Knowledge from outside: real files, a real child process, both databases.

#![allow(clippy::unwrap_used, reason = "what fails in a test's scenery fails the test")]

mod chunk;
mod confined;
mod crawl;
mod crawl_sources;
mod detect;
mod extract;
mod formats;
mod fusion;
mod index;
mod neighbours;
mod office;
mod replaced;
mod rerank;
mod search;
mod shop;
mod typo;
mod vectors;
mod warnings;
