//! What happens to passwords.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{Actor, PasswordChanged, PasswordReset, PasswordResetRequested, PasswordSet},
    actor::Admin,
    change::{Change, New},
    ids::{SessionId, UserId},
    user::User,
};

/// A new password, which ends the sessions of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassword {
    /// The user.
    pub user_id: UserId,
    /// The hash of the password.
    pub hash: String,
    /// The session that goes on.
    pub kept: Option<SessionId>,
    /// When the others end.
    pub at: DateTime<Utc>,
}

/// A mailed link that replaces a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordLink {
    /// The user.
    pub user_id: UserId,
    /// The hash of its token.
    pub token_hash: String,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// The user is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the user is blocked")]
pub struct Blocked;

impl User {
    /// Changes their own password in the session `kept`.
    pub fn change_password(
        &self,
        hash: String,
        kept: SessionId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<NewPassword> {
        let act = PasswordChanged { user: self.id };
        self.new_password(hash, Some(kept), now).done_on_platform_by(by, &act, now)
    }

    /// Replaces the password with the mailed link.
    pub fn reset_password(
        &self,
        hash: String,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<NewPassword> {
        let act = PasswordReset { user: self.id };
        self.new_password(hash, None, now).done_on_platform_by(by, &act, now)
    }

    /// Gets a password from a platform admin.
    pub fn set_password(
        &self,
        hash: String,
        by: &Admin,
        now: DateTime<Utc>,
    ) -> Change<NewPassword> {
        let act = PasswordSet { user: self.id };
        self.new_password(hash, None, now).done_on_platform_by(&by.actor(), &act, now)
    }

    /// Gets a link that replaces the password. Nobody has proved to be that person yet.
    ///
    /// # Errors
    ///
    /// [`Blocked`].
    pub fn request_password_reset(
        &self,
        token_hash: String,
        expires_at: DateTime<Utc>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<New<PasswordLink>>, Blocked> {
        if self.blocked_at.is_some() {
            return Err(Blocked);
        }
        let act = PasswordResetRequested { user: self.id };
        let link = PasswordLink { user_id: self.id, token_hash, expires_at };
        Ok(Change::of_platform(New(link)).done_on_platform_by(by, &act, now))
    }

    const fn new_password(
        &self,
        hash: String,
        kept: Option<SessionId>,
        at: DateTime<Utc>,
    ) -> Change<NewPassword> {
        Change::of_platform(NewPassword { user_id: self.id, hash, kept, at })
    }
}
