//! What an answer of Telegram to a send means for the part that was sent.

use std::time::Duration;

use replyx_channels::telegram::TelegramError;
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
    /// Telegram took it, under this number.
    Sent(MessageRef),
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
    /// The bot cannot speak until its owner acts; the part waits for that.
    BotFailed(String),
    /// Certainly not sent: the chat has another address now. To be sent there.
    Moved(Address),
}

/// What to write when sending a part panicked: nobody knows how far it got.
pub fn of_panic(part: &Sendable) -> Outcome {
    unknown(part, "a fault of ours interrupted the send".to_owned())
}

/// Nobody can know whether it was sent. It is repeated once.
fn unknown(part: &Sendable, error: String) -> Outcome {
    if part.uncertain == 0 {
        Outcome::Uncertain { after: UNCERTAIN_WAIT, error }
    } else {
        Outcome::Failed { error, uncertain: true }
    }
}

/// Judges an answer.
pub fn of(engine: &Engine, part: &Sendable, answer: Result<i64, TelegramError>) -> Outcome {
    let error = match answer {
        Ok(message_id) => return Outcome::Sent(message_id.into()),
        Err(error) => error,
    };

    let text = error.to_string();
    match error {
        TelegramError::RateLimited { retry_after } => {
            Outcome::Again { after: retry_after, error: text }
        }
        TelegramError::Blocked { .. } => Outcome::Blocked(text),
        TelegramError::Migrated { to_chat_id } => Outcome::Moved(to_chat_id.into()),
        TelegramError::Unauthorized => Outcome::BotFailed(text),
        TelegramError::Unknown(_) | TelegramError::Malformed => unknown(part, text),
        TelegramError::Server { .. }
        | TelegramError::NotSent(_)
        | TelegramError::Conflict { .. }
        | TelegramError::Setup(_)
        | TelegramError::Address => {
            let [chance] = Clock::bytes();
            let failed = u32::try_from(part.attempts).unwrap_or(u32::MAX).saturating_add(1);
            match engine.settings.send_backoff.after(failed, chance) {
                Retry::After(after) => Outcome::Again { after, error: text },
                Retry::Never => Outcome::Failed { error: text, uncertain: false },
            }
        }
        TelegramError::ChatGone { .. }
        | TelegramError::CannotParse { .. }
        | TelegramError::TooLong
        | TelegramError::Refused { .. } => Outcome::Failed { error: text, uncertain: false },
    }
}
