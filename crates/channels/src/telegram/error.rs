//! How a call can fail, sorted by what the caller may do next.

use std::time::Duration;

use thiserror::Error;

/// A call of the Bot API failed.
///
/// No variant holds a token or the address of a request. `description` is what Telegram said, at
/// most 200 characters.
#[derive(Debug, Error)]
pub enum TelegramError {
    /// The configured address is not one of an HTTP server.
    #[error("the address of the bot api is not an http or https address")]
    Address,

    /// The HTTP client cannot be set up.
    #[error("the client of the bot api cannot be set up")]
    Setup(#[source] reqwest::Error),

    /// Telegram does not know the token: mistyped, or revoked.
    #[error("telegram does not accept the token of the bot")]
    Unauthorized,

    /// The chat no longer lets the bot write: blocked, deactivated, thrown out of the group.
    #[error("the bot may not write to this chat: {description}")]
    Blocked {
        /// What Telegram said.
        description: String,
    },

    /// There is no such chat for this bot.
    #[error("telegram does not know this chat: {description}")]
    ChatGone {
        /// What Telegram said.
        description: String,
    },

    /// The group became a supergroup, which has another number.
    #[error("the group has moved to chat `{to_chat_id}`")]
    Migrated {
        /// Where to send instead.
        to_chat_id: i64,
    },

    /// The markup is wrong: the same text without markup may pass.
    #[error("telegram cannot read the markup: {description}")]
    CannotParse {
        /// What Telegram said.
        description: String,
    },

    /// The text is longer than Telegram takes.
    #[error("the text is too long for telegram")]
    TooLong,

    /// The file is larger than Telegram takes from bots, or gives to them.
    #[error("the file is too big for telegram")]
    TooBig,

    /// Another refusal that will not change by itself.
    #[error("telegram refused the request with status `{status}`: {description}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What Telegram said.
        description: String,
    },

    /// Updates are taken from this bot in another way at the same time.
    #[error("the updates of the bot are received by {}", if *webhook { "a webhook" } else { "another program" })]
    Conflict {
        /// True when the bot has a webhook, false when somebody else polls it.
        webhook: bool,
    },

    /// Too many messages.
    #[error("telegram asks to wait `{}` s", retry_after.as_secs())]
    RateLimited {
        /// How long to wait: at least 1 s, at most 1 h.
        retry_after: Duration,
    },

    /// The server, or a proxy before it, answered that it did not do it.
    #[error("the bot api answered with status `{status}`")]
    Server {
        /// The HTTP status.
        status: u16,
    },

    /// No connection could be made: nothing has left us.
    #[error("the bot api cannot be reached")]
    NotSent(#[source] reqwest::Error),

    /// The connection broke, or no answer came in time, when the request may have left us. Whether
    /// it was carried out cannot be known.
    #[error("it is unknown whether the bot api carried out the request")]
    Unknown(#[source] Option<reqwest::Error>),

    /// Success, but in no form we can read. A message was probably sent.
    #[error("the answer of the bot api cannot be read")]
    Malformed,
}

impl TelegramError {
    /// Whether the request has certainly not been carried out: sending again cannot send twice.
    #[cfg(test)]
    pub(crate) const fn certainly_not_sent(&self) -> bool {
        !matches!(self, Self::Unknown(_) | Self::Malformed)
    }

    /// A short name of the kind, for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Setup(_) => "setup",
            Self::Unauthorized => "unauthorized",
            Self::Blocked { .. } => "blocked",
            Self::ChatGone { .. } => "chat_gone",
            Self::Migrated { .. } => "migrated",
            Self::CannotParse { .. } => "cannot_parse",
            Self::TooLong => "too_long",
            Self::TooBig => "too_big",
            Self::Refused { .. } => "refused",
            Self::Conflict { .. } => "conflict",
            Self::RateLimited { .. } => "rate_limited",
            Self::Server { .. } => "server",
            Self::NotSent(_) => "not_sent",
            Self::Unknown(_) => "unknown",
            Self::Malformed => "malformed",
        }
    }
}

impl From<reqwest::Error> for TelegramError {
    /// Sorts a failure of the connection.
    ///
    /// What fails before there is a connection (name, TCP, TLS) cannot have sent anything.
    /// Everything later is unknown, even a reused connection that the server closed at that moment:
    /// the client itself repeats the requests of which it knows that no byte was written.
    fn from(error: reqwest::Error) -> Self {
        // The address has the token in it.
        let error = error.without_url();
        if error.is_connect() || error.is_builder() {
            Self::NotSent(error)
        } else {
            Self::Unknown(Some(error))
        }
    }
}
