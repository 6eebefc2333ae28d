//! How patient accounts are with those who guess: an attempt is counted before the password or the
//! code is looked at, and forgotten when it was right.

use std::time::Duration;

use replyx_core::{
    ids::UserId,
    secret::sha256_hex,
    session::{Attempt, Patience},
    setting,
};
use replyx_live::TooMany;

use crate::{Cx, Result};

/// What is guessed, each counted apart: guessing the passwords of a signed-in user does
/// not lock the person out at sign-in, and the right password does not buy new guesses of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count(String);

impl Count {
    /// Passwords at sign-in, whether or not there is such an account.
    pub(crate) fn sign_in(email: &str) -> Self {
        Self(sha256_hex(email.as_bytes()))
    }

    /// Passwords that are asked for once more.
    pub(crate) fn password(user: UserId) -> Self {
        Self(sha256_hex(format!("password:{user}").as_bytes()))
    }

    /// Codes of the second factor.
    pub(crate) fn second_factor(user: UserId) -> Self {
        Self(sha256_hex(format!("second-factor:{user}").as_bytes()))
    }

    /// Under what it is stored.
    pub(crate) fn hash(&self) -> &str {
        &self.0
    }
}

fn patience(cx: &Cx) -> Patience {
    Patience {
        free: 3,
        first: Duration::from_secs(1),
        lock_after: 10,
        lock: cx.tuning.minutes(setting::LOGIN_LOCK_MINUTES),
    }
}

/// Counts an attempt, which fails until it is cleared.
///
/// # Errors
///
/// [`TooMany`] when the next may not be made yet.
pub(crate) async fn count(cx: &Cx, count: &Count) -> Result<()> {
    let now = cx.clock.now();
    let attempt = cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let attempt = tx.system().login_attempts().begin(count.hash(), patience(cx), now).await?;
        tx.commit().await?;
        Ok(attempt)
    });

    match attempt.await? {
        Attempt::Allowed => Ok(()),
        Attempt::Wait(until) => {
            let wait = (until - now).to_std().unwrap_or_default();
            Err(TooMany::from(wait).into())
        }
    }
}

/// Forgets the failed attempts.
pub(crate) async fn clear(cx: &Cx, count: &Count) -> Result<()> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        tx.system().login_attempts().clear(count.hash()).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
