//! Failures on order.

use std::time::Duration;

use crate::Hold;

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFault {
    /// Answered with this status and an error of the API.
    Status {
        /// 401, 429, 500, 503, 529, ...
        code: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// 307 to another address: who follows it shows the key there.
    Redirect(String),
    /// 429, with the wait told in one of the ways there are.
    RateLimited(RetryAfter),
    /// 429 because the money is spent: waiting does not help.
    QuotaSpent,
    /// The answer begins this much later.
    DelayFirst(Duration),
    /// The answer begins once the test releases it.
    Hold(Hold),
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
    /// The stream ends after so many pieces of text as if it were complete, without the events that
    /// end an answer.
    EndAfter(usize),
    /// A piece that is not JSON comes after so many pieces of text; then the stream goes on.
    MalformedAfter(usize),
    /// An error comes in the stream after so many pieces of text, as the API does when it fails
    /// midway.
    ErrorAfter(usize),
    /// A web page instead of an answer, with status 200.
    WrongContentType,
    /// A whole answer instead of a stream, with status 200.
    NotStreamed,
    /// Status 200 and the right content type, and then bytes that mean nothing.
    Garbage,
    /// An answer of at least so many bytes of text.
    Huge(usize),
    /// An answer without a word, properly ended.
    Empty,
    /// A good answer whose usage is not told.
    NoUsage,
    /// No answer; the connection stays open.
    Hang,
}

/// How a server asks to be left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// `Retry-After` in seconds.
    Seconds(u64),
    /// `retry-after-ms`, beside a `Retry-After` that is rounded up.
    Millis(u64),
    /// `Retry-After` as a date so many seconds (at most 59) after the `Date` of the answer.
    Date(u64),
}

impl ModelFault {
    /// A plain status, without `Retry-After`.
    pub const fn status(code: u16) -> Self {
        Self::Status { code, retry_after: None }
    }
}
