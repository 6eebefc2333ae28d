//! Refusals that use cases of several crates have in common.

use thiserror::Error;

/// There is no such object in the caller's workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no such {0}")]
pub struct Missing(pub &'static str);

/// A value that the caller gave cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{field}` {message}")]
pub struct Unacceptable {
    /// The value's name; empty for the input as a whole.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl Unacceptable {
    /// A refusal of this field, with what is wrong with it.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}
