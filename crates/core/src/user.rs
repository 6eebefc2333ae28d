//! A person.

use chrono::{DateTime, Utc};

use crate::{
    assistant::Language,
    ids::{UserId, WorkspaceId},
    words::words,
};

words! {
    /// What of the inbox somebody is written mail about.
    InboxNotice {
        /// A customer waits for a human.
        Request = "request",
        /// A promised reply was not given in time.
        Sla = "sla",
        /// A colleague mentions them in a note.
        Mention = "mention",
    }
}

/// Of which of these somebody wants mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// [`InboxNotice::Request`].
    pub request: bool,
    /// [`InboxNotice::Sla`].
    pub sla: bool,
    /// [`InboxNotice::Mention`].
    pub mention: bool,
}

/// Of all, unless they say otherwise.
impl Default for Notifications {
    fn default() -> Self {
        Self { request: true, sla: true, mention: true }
    }
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Where mail reaches them, in lower case; unique in the installation.
    pub email: String,
    /// Their name, if they gave one.
    pub name: Option<String>,
    /// The language of their mail.
    pub language: Language,
    /// What of the inboxes they are written mail about.
    pub notifications: Notifications,
    /// Is a platform admin (through the admin API only).
    pub is_admin: bool,
    /// Whether a second factor is required to sign in.
    pub second_factor: bool,
    /// When they were blocked.
    pub blocked_at: Option<DateTime<Utc>>,
    /// When the account will be deleted, if its owner asked for it.
    pub delete_at: Option<DateTime<Utc>>,
    /// When the account was created.
    pub created_at: DateTime<Utc>,
}

/// A user's second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whose it is.
    pub user_id: UserId,
    /// The TOTP secret, sealed for the user's id.
    pub secret_sealed: Vec<u8>,
    /// Since when it is asked for; not yet, while its first code has not been shown.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// An account that waits for its e-mail address to be confirmed. There is at most one for an
/// address; a newer one takes its place. The ids are those that the account and its workspace will
/// have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The (normal) e-mail address.
    pub email: String,
    /// The account to be.
    pub user_id: UserId,
    /// Its workspace to be.
    pub workspace_id: WorkspaceId,
    /// The person's name.
    pub name: Option<String>,
    /// The language of their mail.
    pub language: Language,
    /// The hash of the password they chose.
    pub password_hash: String,
    /// The keyed hash of the code that was mailed.
    pub code_hash: String,
    /// How many wrong codes are still borne.
    pub tries_left: i64,
    /// When the code ends.
    pub expires_at: DateTime<Utc>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// An e-mail address as it is stored and compared: trimmed, in lower case.
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The mailbox behind an e-mail address, for counting what is sent there: many providers deliver
/// `ann+shop@` to `ann@`, and Gmail ignores dots. Mail itself goes to the address as it was given.
pub fn mailbox(email: &str) -> String {
    let email = normal_email(email);
    let Some((local, host)) = email.rsplit_once('@') else { return email };
    let base = local.split('+').next().filter(|base| !base.is_empty()).unwrap_or(local);
    match host {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", base.replace('.', "")),
        _ => format!("{base}@{host}"),
    }
}

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Not between 8 and 128 characters.
    #[error("a password must have 8 to 128 characters")]
    Length,
    /// No letter or no digit.
    #[error("a password must have at least one letter and one digit")]
    Variety,
    /// One that is tried first by everyone who guesses.
    #[error("this password is among the most common ones")]
    Common,
}

/// Lower-case passwords of 8 characters and more with a letter and a digit that lead published
/// lists of the most used ones.
const COMMON: &[&str] = &[
    "password1",
    "password12",
    "password123",
    "qwerty123",
    "qwerty12",
    "qwerty1234",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "abc12345",
    "abcd1234",
    "a1234567",
    "a12345678",
    "123456789a",
    "12345678a",
    "iloveyou1",
    "welcome1",
    "welcome123",
    "admin123",
    "admin1234",
    "letmein1",
    "passw0rd",
    "p@ssw0rd",
    "q1w2e3r4",
    "zaq12wsx",
    "qwe12345",
    "asd12345",
    "test1234",
    "user1234",
    "changeme1",
    "trustno1",
    "monkey123",
    "dragon123",
    "football1",
    "baseball1",
    "sunshine1",
    "princess1",
    "superman1",
    "master123",
    "hello123",
    "secret123",
    "qazwsx123",
    "1234qwer",
    "123qwe123",
    "qwerty123456",
    "pass1234",
    "parol123",
    "privet123",
    "ytrewq123",
    "gfhjkm123",
];

/// Accepts or refuses a new password.
pub fn check_password(password: &str) -> Result<(), WeakPassword> {
    let length = password.chars().count();
    if !(8..=128).contains(&length) {
        return Err(WeakPassword::Length);
    }
    if !password.chars().any(char::is_alphabetic) || !password.chars().any(char::is_numeric) {
        return Err(WeakPassword::Variety);
    }
    if COMMON.contains(&password.to_lowercase().as_str()) {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_mailbox_are_counted_together() {
        for same in
            ["ann@example.org", " Ann@Example.org ", "ann+1@example.org", "ann+a+b@example.org"]
        {
            assert_eq!(mailbox(same), "ann@example.org", "{same}");
        }
        for same in ["ann.lee@gmail.com", "a.n.n.lee@googlemail.com", "annlee+x@gmail.com"] {
            assert_eq!(mailbox(same), "annlee@gmail.com", "{same}");
        }
        assert_eq!(mailbox("ann.lee@example.org"), "ann.lee@example.org");
        assert_eq!(mailbox("+ann@example.org"), "+ann@example.org");
        assert_eq!(mailbox("nobody"), "nobody");
    }

    #[test]
    fn passwords_need_length_variety_and_some_originality() {
        assert_eq!(check_password("short1"), Err(WeakPassword::Length));
        assert_eq!(check_password(&"a1".repeat(65)), Err(WeakPassword::Length));
        assert_eq!(check_password("onlyletters"), Err(WeakPassword::Variety));
        assert_eq!(check_password("1234567890"), Err(WeakPassword::Variety));
        assert_eq!(check_password("Password123"), Err(WeakPassword::Common));
        assert_eq!(check_password("пароль-из-слов-7"), Ok(()));
    }
}
