//! Signing up, signing in, and what protects both.
//!
//! Who does not know the password, the code or the link learns nothing here: answers do not differ by whether there
//! is an account, in status, in shape or in the time they take.

mod code;
pub mod confirm;
pub mod login;
pub mod logout;
pub mod password;
pub mod password_change;
pub mod password_forgot;
pub mod password_reset;
pub(crate) mod proof;
pub mod refresh;
pub mod register;
pub mod resend;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
mod sign_up;
pub mod token;
pub mod totp;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long an answer takes that must not tell by its haste that there was nothing to do.
const EVEN: Duration = Duration::from_millis(100);

/// Waits until an answer that was begun at this time has taken as long as every other.
pub(crate) async fn even_out(begun: Instant) {
    sleep_until(begun + EVEN).await;
}
