//! What is to be written of a send, and when what was not sent is tried again.

use std::time::Duration;

use replyx_channels::SendOutcome;
use replyx_core::{
    channel::{Address, MessageRef},
    clock::Clock,
    retry::Retry,
};
use replyx_storage::outbox::Sendable;

use crate::Engine;

/// How long after a send of unknown outcome it is repeated.
const UNCERTAIN_WAIT: Duration = Duration::from_secs(1);

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The channel took it, under this name, if it gives one.
    Sent(Option<MessageRef>),
    /// Certainly not sent; to be tried again.
    Again {
        /// How long to wait.
        after: Duration,
        /// Why it was not sent.
        error: String,
    },
    /// May have been sent; to be tried once more.
    Uncertain {
        /// How long to wait.
        after: Duration,
        /// What happened.
        error: String,
    },
    /// Will not be sent.
    Failed {
        /// Why, in a sentence for the owner.
        error: String,
        /// May the last attempt have arrived after all?
        uncertain: bool,
    },
    /// Will not be sent: the customer does not want it.
    Blocked(String),
    /// The channel cannot speak until its owner acts; the part waits for that.
    ChannelFailed(String),
    /// Certainly not sent: the chat has another address now. To be sent there.
    Moved(Address),
}

/// What to write when sending a part panicked: nobody knows how far it got.
pub fn of_panic(part: &Sendable) -> Outcome {
    unknown(part, "an internal error interrupted the send".to_owned())
}

/// Nobody can know whether it was sent. It is repeated once.
fn unknown(part: &Sendable, error: String) -> Outcome {
    if part.uncertain == 0 {
        Outcome::Uncertain { after: UNCERTAIN_WAIT, error }
    } else {
        Outcome::Failed { error, uncertain: true }
    }
}

/// Says what is to be written of a send.
pub fn of(engine: &Engine, part: &Sendable, sent: SendOutcome) -> Outcome {
    match sent {
        SendOutcome::Sent(message) => Outcome::Sent(message),
        SendOutcome::TooFast { retry_after, error } => Outcome::Again { after: retry_after, error },
        SendOutcome::NotSent(error) => {
            let [chance] = Clock::bytes();
            let failed = u32::try_from(part.attempts).unwrap_or(u32::MAX).saturating_add(1);
            match engine.settings.send_backoff.after(failed, chance) {
                Retry::After(after) => Outcome::Again { after, error },
                Retry::Never => Outcome::Failed { error, uncertain: false },
            }
        }
        SendOutcome::Uncertain(error) => unknown(part, error),
        SendOutcome::Refused(error) => Outcome::Failed { error, uncertain: false },
        SendOutcome::Blocked(error) => Outcome::Blocked(error),
        SendOutcome::Moved(to) => Outcome::Moved(to),
        SendOutcome::Unusable(error) => Outcome::ChannelFailed(error),
    }
}
