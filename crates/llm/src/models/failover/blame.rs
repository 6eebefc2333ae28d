//! Whose fault an error is, and so what is tried next.

use std::time::Duration;

use replyx_core::retry::Retry;

use crate::error::{ModelError, Refusal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The key is not accepted: the next key.
    Refused,
    /// The key may not ask this, or nobody may: the next key. It may ask other things.
    Forbidden,
    /// What was paid for is spent: the next key.
    Exhausted,
    /// The key is used too fast: the next key.
    Throttled { told: Option<Duration> },
    /// The key cannot even be sent: the next key.
    Unusable,
    /// The provider failed, and may wish not to be asked for a while: another provider first.
    Provider { wish: Duration },
    /// The model had nothing to say: another provider first. That depends on the question, so it is
    /// no fault of the provider.
    Wordless,
    /// Nobody could answer this of this model: the next model.
    Request,
}

pub(super) fn of(error: &ModelError) -> Blame {
    match error {
        ModelError::Refused { kind: Refusal::Quota, .. }
        | ModelError::Refused { status: 402, .. } => Blame::Exhausted,
        ModelError::Refused { kind: Refusal::Filtered | Refusal::ContextTooLong, .. } => {
            Blame::Request
        }
        ModelError::Refused { status: 401, .. } => Blame::Refused,
        ModelError::Refused { status: 403, .. } => Blame::Forbidden,
        ModelError::Refused { status: 429, retry_after, .. } => {
            Blame::Throttled { told: *retry_after }
        }
        ModelError::Settings(_) => Blame::Unusable,
        ModelError::Empty => Blame::Wordless,
        other => match other.retry() {
            Retry::After(wish) => Blame::Provider { wish },
            Retry::Never => Blame::Request,
        },
    }
}

impl Blame {
    /// How long the provider wishes not to be asked.
    pub(super) const fn wish(self) -> Duration {
        if let Self::Provider { wish } = self { wish } else { Duration::ZERO }
    }

    /// Did what the breaker guards work? A refusal is a sign of life.
    pub(super) fn worked(self) -> Option<bool> {
        match self {
            Self::Provider { .. } => Some(false),
            Self::Unusable => None,
            _ => Some(true),
        }
    }
}
