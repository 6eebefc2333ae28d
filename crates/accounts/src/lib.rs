//! People and workspaces: the use cases of signing up and in, of members, invitations and API keys,
//! of deletion, and what platform admins do with users and workspaces.
//!
//! A use case is a function such as [`invitations::accept`]. It takes a [`Cx`] and who asks
//! ([`Account`](replyx_core::actor::Account), [`Caller`](replyx_core::actor::Caller),
//! [`Admin`](replyx_core::actor::Admin) or a [`Device`] that nobody has signed in on yet), checks
//! the rules, and does one transaction, which it repeats when the database rolls it back
//! ([`replyx_storage::repeated`]). It records what happened in the audit log, and queues letters,
//! in the same transaction.
//!
//! HTTP handlers and the command line call the same functions; nothing here knows HTTP.
//!
//! A caller that does not know the password, the code or the link learns nothing here: answers do
//! not differ by whether there is an account, in kind or in the time they take.

#![allow(
    clippy::missing_errors_doc,
    reason = "the variants of `Error` say when they occur; functions name only what is not obvious"
)]

pub mod admin;
mod attempts;
pub mod audit;
mod code;
mod codes;
mod cx;
pub mod deletion;
mod device;
mod error;
pub mod export;
pub mod invitations;
pub mod keys;
mod letters;
pub mod members;
pub mod notices;
pub mod password;
pub mod passwords;
pub mod profile;
mod proof;
pub mod registration;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
mod sign_up;
mod standing;
pub mod token;
pub mod workspaces;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

pub use cx::{AccountSettings, Cx, MailDelivery};
pub use device::Device;
pub use error::{Error, Result};
pub use letters::{INVITE_PAGE, RESET_PAGE};

/// The shortest time that an answer takes which must not tell by its haste that there was nothing
/// to do.
const EVEN: Duration = Duration::from_millis(100);

/// Waits until an answer that was begun at this time has taken as long as every other.
async fn even_out(begun: Instant) {
    sleep_until(begun + EVEN).await;
}

/// Is it an e-mail address, by the rules that requests are checked with?
pub fn is_email(text: &str) -> bool {
    text.len() <= 254 && garde::rules::email::parse_email(text).is_ok()
}
