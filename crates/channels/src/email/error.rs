//! How sending a mail can fail, sorted by what may be done next.

use std::{fmt, io, time::Duration};

use replyx_core::{
    clock::Clock,
    retry::{Backoff, Retry},
};

/// How often a mail is tried at most.
pub const ATTEMPTS: u32 = 22;

/// 5 s, since somebody may be waiting for a code, 10 s, 20 s, ... 2 h, and 2 h again: all attempts
/// are within 24 h.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(5), ceiling: Duration::from_hours(2), attempts: ATTEMPTS };

/// What the mail server was asked when it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To talk to us, and to encrypt.
    Greeting,
    /// To know us.
    SignIn,
    /// To take mail from our address.
    Sender,
    /// To take mail for the recipient.
    Recipient,
    /// To take the message.
    Message,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "greeting",
            Self::SignIn => "sign-in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Message => "message",
        })
    }
}

/// A mail could not be sent.
///
/// No variant holds an address, a password, or the words of the mail server, which like to repeat
/// addresses.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The address of the mail server cannot be read.
    #[error("the address of the mail server {0}")]
    Url(&'static str),

    /// Our own address cannot be read.
    #[error("the sender is not an e-mail address such as `ReplyX <no-reply@example.org>`")]
    From,

    /// The recipient's address cannot be one.
    #[error("the recipient's address is not an e-mail address")]
    Recipient,

    /// A template and what it is given do not fit together.
    #[error("the letter cannot be rendered")]
    Render(#[source] minijinja::Error),

    /// The message cannot be put together.
    #[error("the message cannot be built")]
    Compose(#[source] lettre::error::Error),

    /// The folder cannot be written to.
    #[error("the folder for mail cannot be written to")]
    Folder(#[source] io::Error),

    /// The mail server said no.
    #[error("the mail server refused the {stage} with code `{code}`")]
    Refused {
        /// To what.
        stage: Stage,
        /// The reply code, 400 to 599.
        code: u16,
    },

    /// The mail server offers no encryption, and we insist on it.
    #[error("the mail server offers no encryption")]
    NotEncrypted,

    /// The address has letters beyond ASCII before the `@`, for which the mail server is not made.
    #[error("the mail server does not support addresses in this script")]
    Alphabet,

    /// No connection, no way to sign in, or the connection broke. Whether the mail left is not
    /// known.
    #[error("the connection to the mail server failed")]
    Connection(#[source] lettre::transport::smtp::Error),

    /// The mail server said something that is not SMTP, or closed the connection.
    #[error("the mail server sent an unreadable answer")]
    Garbled,

    /// It took too long. Whether the mail left is not known.
    #[error("the mail server did not answer in time")]
    TimedOut,
}

impl EmailError {
    /// When to try again after `attempt` attempts (1 = the first one failed).
    pub fn retry(&self, attempt: i64) -> Retry {
        if self.is_permanent() {
            return Retry::Never;
        }
        let [chance] = Clock::bytes();
        BACKOFF.after(u32::try_from(attempt).unwrap_or(u32::MAX), chance)
    }

    /// Whether this mail can never leave. A wrong password or an unknown sender is not: the
    /// operator puts it right.
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::Recipient | Self::Render(_) | Self::Compose(_) | Self::Alphabet => true,
            Self::Refused { stage, code } => {
                *code >= 500 && matches!(stage, Stage::Recipient | Stage::Message)
            }
            Self::Url(_)
            | Self::From
            | Self::Folder(_)
            | Self::NotEncrypted
            | Self::Connection(_)
            | Self::Garbled
            | Self::TimedOut => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_many_and_all_within_a_day() {
        let mut whole = Duration::ZERO;
        let mut last = Duration::ZERO;
        for failed in 1.. {
            let Retry::After(wait) = BACKOFF.after(failed, 0) else { break };
            assert!(wait >= last && failed < 100);
            last = wait;
            whole += wait;
        }
        assert!((Duration::from_hours(12)..Duration::from_hours(24)).contains(&whole), "{whole:?}");
        assert_eq!(EmailError::TimedOut.retry(22), Retry::Never);
    }

    #[test]
    fn only_what_concerns_the_recipient_is_never_tried_again() {
        for (stage, code, never) in [
            (Stage::Recipient, 550, true),
            (Stage::Message, 554, true),
            (Stage::Recipient, 451, false),
            (Stage::Message, 452, false),
            (Stage::SignIn, 535, false),
            (Stage::Sender, 550, false),
            (Stage::Greeting, 554, false),
        ] {
            let retry = EmailError::Refused { stage, code }.retry(1);
            assert_eq!(retry == Retry::Never, never, "{stage} {code}");
        }
        assert_eq!(EmailError::Recipient.retry(1), Retry::Never);
    }
}
