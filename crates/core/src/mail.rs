//! The mail that the product sends: what each letter says, without its words.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    assistant::Language,
    ids::JobId,
    job::Kind,
    secret::{Keys, SecretError},
};

/// A letter to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The e-mail address.
    pub to: String,
    /// In which language.
    pub language: Language,
    /// What it says.
    pub letter: Letter,
}

/// What a letter says. The words are the templates', one for each kind and language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// The code that confirms an e-mail address.
    Confirmation {
        /// Six digits.
        code: String,
        /// How long it is valid.
        minutes: u32,
    },
    /// Somebody registered with an address that has an account already.
    AccountExists,
    /// The account was made.
    Welcome {
        /// The person's name.
        name: String,
    },
    /// The link that sets a new password.
    Reset {
        /// The link.
        link: String,
        /// How long it is valid.
        minutes: u32,
    },
    /// The password was changed.
    PasswordChanged,
    /// An offer to become a member.
    Invitation {
        /// The workspace.
        workspace: String,
        /// The user who invites.
        inviter: String,
        /// The role.
        role: String,
        /// The link.
        link: String,
        /// How long it is valid.
        days: u32,
    },
    /// Somebody signed in from where nobody has before.
    NewSignIn {
        /// When it happened.
        at: DateTime<Utc>,
        /// The client's address.
        address: String,
        /// The device or program.
        user_agent: String,
    },
    /// A bot was connected to another workspace with a newer token.
    BotMoved {
        /// Which workspace it left.
        workspace: String,
        /// The bot's name in Telegram, without `@`.
        bot: String,
    },
    /// The balance of a workspace is enough for few answers.
    BalanceLow {
        /// The workspace.
        workspace: String,
        /// The money that can be spent, with its currency.
        available: String,
        /// For how many answers it is enough, those of the trial included.
        answers: i64,
    },
    /// The balance of a workspace is used up: customers are not answered.
    BalanceDepleted {
        /// The workspace.
        workspace: String,
    },
    /// The trial of a workspace ends soon.
    TrialEnding {
        /// The workspace.
        workspace: String,
        /// When it ends at the latest.
        ends_at: DateTime<Utc>,
        /// The answers that are left of it.
        answers: i64,
    },
    /// Something in the inbox of a workspace may need the person.
    InboxNews {
        /// The workspace.
        workspace: String,
        /// How many customers wait for a human.
        requests: usize,
        /// How many promised replies are late.
        late: usize,
        /// How many dialogs have a note that mentions them.
        mentions: usize,
        /// Where it is seen, if that is known.
        link: Option<String>,
    },
    /// The account will be deleted.
    DeletionScheduled {
        /// When it happened.
        at: DateTime<Utc>,
    },
}

impl Letter {
    /// The name of its kind, as stored; also that of its templates.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Confirmation { .. } => "confirmation",
            Self::AccountExists => "account_exists",
            Self::Welcome { .. } => "welcome",
            Self::Reset { .. } => "reset",
            Self::PasswordChanged => "password_changed",
            Self::Invitation { .. } => "invitation",
            Self::NewSignIn { .. } => "new_sign_in",
            Self::BotMoved { .. } => "bot_moved",
            Self::BalanceLow { .. } => "balance_low",
            Self::BalanceDepleted { .. } => "balance_depleted",
            Self::TrialEnding { .. } => "trial_ending",
            Self::InboxNews { .. } => "inbox_news",
            Self::DeletionScheduled { .. } => "deletion_scheduled",
        }
    }
}

/// The kind of the job that sends a mail.
pub const KIND: Kind = Kind::light("mail");

/// The payload of a mail's job cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It is not what [`seal_payload`] makes.
    #[error("the payload of a mail is malformed")]
    Form,
    /// It was sealed with another key or for another job, or was damaged.
    #[error(transparent)]
    Sealed(#[from] SecretError),
    /// It holds a letter of another version of the program.
    #[error("the payload holds a mail that this version does not know")]
    Unknown,
}

/// The payload of the job that sends a mail. Sealed for that job: codes and links do not lie in the
/// database in clear.
pub fn seal_payload(keys: &Keys, job: JobId, mail: &Mail) -> serde_json::Value {
    let text = serde_json::to_string(mail).expect("a mail is made of texts and numbers");
    let sealed = keys.seal(&SecretString::from(text), job.into_uuid().as_bytes());
    json!({ "sealed": BASE64_STANDARD.encode(sealed) })
}

/// Reads what [`seal_payload`] made for the same job.
///
/// # Errors
///
/// Fails when the payload is not one, was made for another job or with another key, or holds an
/// unknown letter.
pub fn open_payload(
    keys: &Keys,
    job: JobId,
    payload: &serde_json::Value,
) -> Result<Mail, PayloadError> {
    let sealed = payload.get("sealed").and_then(|sealed| sealed.as_str());
    let sealed = sealed.and_then(|sealed| BASE64_STANDARD.decode(sealed).ok());
    let opened = keys.open(&sealed.ok_or(PayloadError::Form)?, job.into_uuid().as_bytes())?;
    serde_json::from_str(opened.expose_secret()).map_err(|_| PayloadError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn keys(master: &str) -> Keys {
        Keys::derive(&SecretString::from(master)).unwrap()
    }

    fn mail() -> Mail {
        Mail {
            to: "ann@example.org".to_owned(),
            language: Language::Russian,
            letter: Letter::Confirmation { code: "394718".to_owned(), minutes: 15 },
        }
    }

    #[test]
    fn a_payload_shows_nothing_and_opens_only_for_its_job() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let clock = Clock::system();
        let job: JobId = clock.id();
        let payload = seal_payload(&keys, job, &mail());

        assert_eq!(open_payload(&keys, job, &payload), Ok(mail()));
        for hidden in ["394718", "example.org"] {
            assert!(!payload.to_string().contains(hidden), "{payload}");
        }
        let other = open_payload(&keys, clock.id(), &payload);
        assert_eq!(other, Err(PayloadError::Sealed(SecretError::Sealed)));
        for form in [json!({}), json!({ "sealed": 1 }), json!({ "sealed": "%" }), json!("x")] {
            assert_eq!(open_payload(&keys, job, &form), Err(PayloadError::Form), "{form}");
        }
    }

    #[test]
    fn the_stored_form_stays_readable() {
        let stored = json!({
            "to": "ann@example.org",
            "language": "ru",
            "letter": { "kind": "confirmation", "code": "394718", "minutes": 15 },
        });
        assert_eq!(serde_json::to_value(mail()).unwrap(), stored);

        let keys = keys("0123456789abcdef0123456789abcdef");
        let job: JobId = Clock::system().id();
        let future = stored.to_string().replace("confirmation", "birthday");
        let sealed = keys.seal(&SecretString::from(future), job.into_uuid().as_bytes());
        let payload = json!({ "sealed": BASE64_STANDARD.encode(sealed) });
        assert_eq!(open_payload(&keys, job, &payload), Err(PayloadError::Unknown));
    }
}
