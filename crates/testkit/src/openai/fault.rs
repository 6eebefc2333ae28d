//! Failures on order.

use std::time::Duration;

/// What goes wrong with a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this status and an error of the API.
    Status {
        /// 401, 429, 500, 503, ...
        code: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// The answer begins this much later.
    DelayFirst(Duration),
    /// Nothing comes for a while in the middle of the stream.
    Silence {
        /// After so many pieces of text.
        after: usize,
        /// For so long.
        time: Duration,
    },
    /// The connection breaks after so many pieces of text.
    BreakAfter(usize),
    /// The connection breaks instead of an answer.
    Break,
    /// The stream ends after so many pieces of text as if it were complete, without `finish_reason`
    /// and `[DONE]`.
    EndAfter(usize),
    /// A piece that is not JSON comes after so many pieces of text; then the stream goes on.
    MalformedAfter(usize),
    /// An error object comes in the stream after so many pieces of text, as the API does when it
    /// fails midway.
    ErrorAfter(usize),
    /// A web page instead of an answer, with status 200.
    WrongContentType,
    /// An answer of at least so many bytes of text.
    Huge(usize),
    /// No answer; the connection stays open.
    Hang,
}

impl Fault {
    /// A plain status, without `Retry-After`.
    pub const fn status(code: u16) -> Self {
        Self::Status { code, retry_after: None }
    }
}
