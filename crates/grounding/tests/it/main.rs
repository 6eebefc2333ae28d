//! Answers of a chat model to the customers of two invented businesses: which are let through.

#![allow(clippy::unwrap_used, reason = "what fails in a test's scenery fails the test")]

mod checks;
