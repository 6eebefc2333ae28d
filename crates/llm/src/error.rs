//! What can go wrong between us and a model.

use std::{fmt, time::Duration};

use replyx_core::retry::Retry;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No provider is configured for the model.
    #[error("no provider is configured for the model `{model}`")]
    NotConfigured {
        /// The model that was asked for.
        model: String,
    },
    /// Neither the model nor one to fall back on may be used here.
    #[error("the model `{model}` is not allowed here")]
    NotAllowed {
        /// The model that was asked for.
        model: String,
    },
    /// What the model costs is not known, and the key's money is limited.
    #[error("the model `{model}` has no price, and its key has a spending limit")]
    NoPrice {
        /// The model.
        model: String,
    },
    /// The limits of the keys leave less money than the call may cost.
    #[error("the spending limits of the model's keys do not allow this call")]
    LimitReached {
        /// When they can, if that is known.
        wait: Option<Duration>,
    },
    /// The call could not be written down, and so is not made.
    #[error("the model call could not be recorded")]
    Unrecorded,
    /// A provider's settings cannot be used.
    #[error("the model provider's settings cannot be used")]
    Settings(#[source] Cause),
    /// No connection came about.
    #[error("the model provider cannot be reached")]
    Unreachable(#[source] Cause),
    /// The provider answered with an error status.
    #[error("the model provider refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
        /// What it is about.
        kind: Refusal,
        /// What the provider said.
        #[source]
        detail: ProviderDetail,
    },
    /// A wait passed its bound.
    #[error("the model provider took too long: {0}")]
    Timeout(Waited),
    /// The connection broke, or the answer ended, before the provider said that it was complete.
    #[error("the model's answer broke off")]
    Broken(#[source] Option<Cause>),
    /// The provider said in the middle of the answer that it failed.
    #[error("the model provider failed while answering")]
    Failed(#[source] ProviderDetail),
    /// The answer is not what the protocol says.
    #[error("the model provider sent an unreadable answer")]
    Malformed(#[source] Option<Cause>),
    /// The answer is not a stream of events.
    #[error("the model provider sent something that is not an event stream")]
    ContentType,
    /// The answer is longer than we take.
    #[error("the model's answer is longer than {limit} bytes")]
    TooLong {
        /// The bound, bytes.
        limit: usize,
    },
    /// The answer holds no word.
    #[error("the model's answer is empty")]
    Empty,
    /// The provider's filter, or the model itself, withheld the answer.
    #[error("the model provider withheld the answer")]
    Filtered,
    /// No place became free among the questions that are asked at once.
    #[error("too many questions are waiting for a model")]
    Busy,
    /// No key to the model can be used now: refused, cooling down, at its limit, or its provider
    /// has failed too often.
    #[error("no key of the model can be used now")]
    Unavailable {
        /// When one can, if that is known.
        wait: Option<Duration>,
    },
}

/// What a refusal is about, beyond its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusal {
    /// The key's money or quota is spent: waiting does not help.
    Quota,
    /// The question is longer than the model takes.
    ContextTooLong,
    /// The provider's filter took offence at the question.
    Filtered,
    /// What the status says.
    #[default]
    Other,
}

/// Which wait passed its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// For a connection.
    Connect,
    /// For the first piece of the answer.
    FirstToken,
    /// For the next piece of the answer.
    Silence,
    /// For the whole answer.
    Attempt,
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::FirstToken => "no first token",
            Self::Silence => "silence within the answer",
            Self::Attempt => "no end of the answer",
        })
    }
}

/// What a provider said about its error: at most 200 characters, without our key or our words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider said `{0}`")]
pub struct ProviderDetail(pub(crate) String);

impl ModelError {
    /// Can asking again help, and not before how long? The wait is the provider's wish; nothing
    /// when it has none.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Refused { kind: Refusal::Quota, .. } => Retry::Never,
            Self::Refused { status: 408 | 409 | 429 | 500..=599, retry_after, .. } => {
                Retry::After(retry_after.unwrap_or_default())
            }
            Self::Unavailable { wait } | Self::LimitReached { wait } => {
                Retry::After(wait.unwrap_or_default())
            }
            Self::Unreachable(_)
            | Self::Timeout(_)
            | Self::Broken(_)
            | Self::Failed(_)
            | Self::Malformed(_)
            | Self::ContentType
            | Self::Empty
            | Self::Unrecorded
            | Self::Busy => Retry::After(Duration::ZERO),
            Self::NotConfigured { .. }
            | Self::NotAllowed { .. }
            | Self::NoPrice { .. }
            | Self::Settings(_)
            | Self::Refused { .. }
            | Self::TooLong { .. }
            | Self::Filtered => Retry::Never,
        }
    }

    /// Whether the provider had the question and may have worked on it: then it charges what it
    /// read, although there is no answer. A provider that says that it refused or failed charges
    /// nothing.
    pub const fn was_taken(&self) -> bool {
        match self {
            Self::Timeout(waited) => !matches!(waited, Waited::Connect),
            Self::Broken(_)
            | Self::Malformed(_)
            | Self::ContentType
            | Self::TooLong { .. }
            | Self::Empty
            | Self::Filtered => true,
            Self::NotConfigured { .. }
            | Self::NotAllowed { .. }
            | Self::NoPrice { .. }
            | Self::LimitReached { .. }
            | Self::Unrecorded
            | Self::Settings(_)
            | Self::Unreachable(_)
            | Self::Refused { .. }
            | Self::Failed(_)
            | Self::Busy
            | Self::Unavailable { .. } => false,
        }
    }

    /// Whether nobody was asked because there was no room: asking again later helps, and costs no
    /// more than asking once.
    pub const fn was_not_asked(&self) -> bool {
        matches!(self, Self::Busy | Self::Unrecorded)
    }

    /// Whether asking again some minutes later may bring an answer: it does not where the question
    /// or the answer was found fault with.
    pub const fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::TooLong { .. }
                | Self::Filtered
                | Self::Refused { kind: Refusal::Filtered | Refusal::ContextTooLong, .. }
        )
    }

    /// Whether it keeps a model from being asked at all, now and later.
    pub(crate) const fn is_a_bar(&self) -> bool {
        matches!(self, Self::NotAllowed { .. } | Self::NoPrice { .. })
    }

    /// The kind of error in one word, for labels: there are few of them.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotConfigured { .. } => "not_configured",
            Self::NotAllowed { .. } => "not_allowed",
            Self::NoPrice { .. } => "no_price",
            Self::LimitReached { .. } => "limit_reached",
            Self::Unrecorded => "unrecorded",
            Self::Settings(_) => "settings",
            Self::Unreachable(_) => "unreachable",
            Self::Refused { kind: Refusal::Quota, .. } => "quota",
            Self::Refused { kind: Refusal::Filtered, .. } | Self::Filtered => "filtered",
            Self::Refused { status: 401 | 403, .. } => "unauthorized",
            Self::Refused { status: 429, .. } => "rate_limited",
            Self::Refused { status: 500..=599, .. } => "server_error",
            Self::Refused { .. } => "refused",
            Self::Timeout(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::Failed(_) => "failed",
            Self::Malformed(_) => "malformed",
            Self::ContentType => "content_type",
            Self::TooLong { .. } => "too_long",
            Self::Empty => "empty",
            Self::Busy => "busy",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
