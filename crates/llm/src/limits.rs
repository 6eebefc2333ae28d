//! How long a model may take, how much it may say and how often it is asked.

use std::time::Duration;

use replyx_core::retry::Backoff;

/// The bounds of asking a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// From sending the request to the first piece of the answer.
    pub first_token: Duration,
    /// Between two pieces of the answer.
    pub silence: Duration,
    /// One attempt, from connecting to the last piece.
    pub attempt: Duration,
    /// All attempts and the waits between them.
    pub total: Duration,
    /// The longest answer, bytes.
    pub answer_bytes: usize,
    /// How often, and with which waits between.
    pub backoff: Backoff,
    /// A provider that asks us to wait longer than this is not asked again.
    pub retry_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(20),
            silence: Duration::from_secs(15),
            attempt: Duration::from_mins(1),
            total: Duration::from_secs(90),
            answer_bytes: 64 * 1024,
            backoff: Backoff {
                first: Duration::from_millis(500),
                ceiling: Duration::from_secs(4),
                attempts: 3,
            },
            retry_after: Duration::from_secs(10),
        }
    }
}
