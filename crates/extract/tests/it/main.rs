//! Files to text from outside: real files, a real child process.

#![allow(clippy::unwrap_used, reason = "what fails in a test's scenery fails the test")]

mod confined;
mod detect;
mod extract;
mod formats;
mod office;
mod pdf;
mod warnings;
