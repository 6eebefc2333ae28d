//! What happens to second factors.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        Actor, RecoveryCodesReplaced, SecondFactorEnabled, SecondFactorRemoved, SecondFactorReset,
    },
    actor::Admin,
    change::{Change, Deleted, New},
    ids::UserId,
    user::{SecondFactor, User},
};

#[cfg(test)]
mod tests;

/// A second factor whose first code was shown, with its recovery codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedSecondFactor {
    /// Whose it is.
    pub user_id: UserId,
    /// Since when it is asked for.
    pub at: DateTime<Utc>,
    /// The time step of the code that was shown.
    pub step: i64,
    /// The hashes of the recovery codes.
    pub code_hashes: Vec<String>,
}

/// New recovery codes, in the place of all earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// Whose they are.
    pub user_id: UserId,
    /// Their hashes.
    pub hashes: Vec<String>,
}

/// A second factor was taken from a user who had lost it, and who is signed out everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetSecondFactor {
    /// Whose it was.
    pub user_id: UserId,
    /// When.
    pub at: DateTime<Utc>,
}

/// There is a confirmed second factor already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is a second factor already")]
pub struct SecondFactorExists;

/// There is no confirmed second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no second factor")]
pub struct NoSecondFactor;

impl SecondFactor {
    /// Stores a secret that has yet to be confirmed, in the place of an earlier unconfirmed one.
    ///
    /// # Errors
    ///
    /// [`SecondFactorExists`] when `before` is confirmed.
    pub fn begin(self, before: Option<&Self>) -> Result<Change<New<Self>>, SecondFactorExists> {
        match before {
            Some(before) if before.confirmed_at.is_some() => Err(SecondFactorExists),
            _ => Ok(Change::of_platform(New(self))),
        }
    }

    /// Is asked for from now on.
    ///
    /// # Errors
    ///
    /// [`SecondFactorExists`] when it was confirmed before.
    pub fn confirm(
        &self,
        step: i64,
        code_hashes: Vec<String>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<ConfirmedSecondFactor>, SecondFactorExists> {
        if self.confirmed_at.is_some() {
            return Err(SecondFactorExists);
        }
        let user_id = self.user_id;
        let confirmed = ConfirmedSecondFactor { user_id, at: now, step, code_hashes };
        let act = SecondFactorEnabled { user: user_id };
        Ok(Change::of_platform(confirmed).done_on_platform_by(by, &act, now))
    }

    /// Gets other recovery codes.
    ///
    /// # Errors
    ///
    /// [`NoSecondFactor`] when it is not confirmed.
    pub fn replace_recovery_codes(
        &self,
        hashes: Vec<String>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<RecoveryCodes>, NoSecondFactor> {
        if self.confirmed_at.is_none() {
            return Err(NoSecondFactor);
        }
        let act = RecoveryCodesReplaced { user: self.user_id };
        let codes = RecoveryCodes { user_id: self.user_id, hashes };
        Ok(Change::of_platform(codes).done_on_platform_by(by, &act, now))
    }

    /// Is turned off by its owner.
    pub fn remove(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = SecondFactorRemoved { user: self.user_id };
        Change::of_platform(Deleted(self)).done_on_platform_by(by, &act, now)
    }

    /// Is taken from a user who has lost it.
    pub fn reset(&self, user: &User, by: &Admin, now: DateTime<Utc>) -> Change<ResetSecondFactor> {
        let act = SecondFactorReset { user: self.user_id, email: user.email.clone() };
        let reset = ResetSecondFactor { user_id: self.user_id, at: now };
        Change::of_platform(reset).done_on_platform_by(&by.actor(), &act, now)
    }
}
