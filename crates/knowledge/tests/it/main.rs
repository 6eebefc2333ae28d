//! Knowledge from outside: real files, a real child process, both databases.

#![allow(clippy::unwrap_used, reason = "what fails in a test's scenery fails the test")]

mod chunk;
mod extract;
mod index;
mod search;
mod shop;
