//! What happens to people's accounts.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        AccountConfirmed, AccountDeleted, AccountDeletionScheduled, AccountRegistered,
        AccountRequested, AccountRestored, AccountUpdated, Actor, AdminCreated, AdminRoleChanged,
        UserBlocked, UserDeleted, UserUnblocked,
    },
    actor::Admin,
    assistant::Language,
    change::{Change, Deleted, New},
    ids::UserId,
    patch::Patch,
    user::{Notifications, Registration, User},
};

mod password;
#[cfg(test)]
mod tests;

pub use password::{Blocked, NewPassword, PasswordLink};

/// A user with the hash of their password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserWithPassword {
    /// The user.
    pub user: User,
    /// The hash.
    pub password_hash: String,
}

/// A user who is signed out everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// The user.
    pub user: User,
    /// When their sessions end.
    pub at: DateTime<Utc>,
}

/// What somebody is in the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformRole {
    /// A platform admin.
    Admin,
    /// Nothing beyond their workspaces.
    User,
}

/// Admins would lock themselves out, with nobody left to undo it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("admins cannot do this to their own account")]
pub struct OwnAccount;

/// Refuses what admins might do to themselves by mistake.
///
/// # Errors
///
/// [`OwnAccount`].
pub fn spare_yourself(user: UserId, admin: &Admin) -> Result<(), OwnAccount> {
    if admin.user_id() == Some(user) { Err(OwnAccount) } else { Ok(()) }
}

impl Registration {
    /// Waits for the address to be confirmed. `owner` is the user who has the address already; then
    /// nothing comes of it.
    pub fn request(self, owner: Option<&User>, by: &Actor) -> Change<New<Self>> {
        let user = owner.map_or(self.user_id, |owner| owner.id);
        let act = AccountRequested { user, taken: owner.is_some() };
        let at = self.created_at;
        Change::of_platform(New(self)).done_on_platform_by(by, &act, at)
    }
}

impl User {
    /// Creates the account without a confirmation of its address.
    pub fn register(self, password_hash: String, by: &Actor) -> Change<New<UserWithPassword>> {
        let act = AccountRegistered { user: self.id, invited: false };
        let at = self.created_at;
        self.with_password(password_hash).done_on_platform_by(by, &act, at)
    }

    /// Creates the account of a person whose address an invitation confirms.
    pub fn register_invited(
        self,
        password_hash: String,
        by: &Actor,
    ) -> Change<New<UserWithPassword>> {
        let act = AccountRegistered { user: self.id, invited: true };
        let at = self.created_at;
        self.with_password(password_hash).done_on_platform_by(by, &act, at)
    }

    /// Creates the account, because its address is confirmed.
    pub fn confirm(self, password_hash: String, by: &Actor) -> Change<New<UserWithPassword>> {
        let act = AccountConfirmed { user: self.id };
        let at = self.created_at;
        self.with_password(password_hash).done_on_platform_by(by, &act, at)
    }

    /// Creates a platform admin.
    pub fn create_admin(
        mut self,
        password_hash: String,
        by: &Admin,
    ) -> Change<New<UserWithPassword>> {
        self.is_admin = true;
        let act = AdminCreated { user: self.id };
        let at = self.created_at;
        self.with_password(password_hash).done_on_platform_by(&by.actor(), &act, at)
    }

    /// Changes what they say of themselves; `None` when nothing changes.
    pub fn update_profile(
        &self,
        name: &Patch<String>,
        language: Option<Language>,
        notifications: Option<Notifications>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Option<Change<Self>> {
        let mut user = self.clone();
        name.clone().apply(&mut user.name);
        user.language = language.unwrap_or(user.language);
        user.notifications = notifications.unwrap_or(user.notifications);
        if user == *self {
            return None;
        }
        let act = AccountUpdated { user: user.id };
        Some(Change::of_platform(user).done_on_platform_by(by, &act, now))
    }

    /// When the account is deleted if its owner asks for it and `end` is the end of the time of
    /// grace. To ask again does not put it off.
    pub fn deletion_at(&self, end: DateTime<Utc>) -> DateTime<Utc> {
        self.delete_at.map_or(end, |earlier| earlier.min(end))
    }

    /// Is to be deleted at the `end` of the time of grace ([`Self::deletion_at`]).
    pub fn schedule_deletion(
        mut self,
        end: DateTime<Utc>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<SignedOut> {
        let delete_at = self.deletion_at(end);
        self.delete_at = Some(delete_at);
        let act = AccountDeletionScheduled { user: self.id, delete_at };
        self.signed_out(now).done_on_platform_by(by, &act, now)
    }

    /// Is not to be deleted any more; `None` when they were not.
    pub fn restore(&self, by: &Actor, now: DateTime<Utc>) -> Option<Change<Self>> {
        self.delete_at?;
        let user = Self { delete_at: None, ..self.clone() };
        let act = AccountRestored { user: user.id };
        Some(Change::of_platform(user).done_on_platform_by(by, &act, now))
    }

    /// Blocks the user. To block them again does not change since when.
    ///
    /// # Errors
    ///
    /// [`OwnAccount`].
    pub fn block(self, by: &Admin, now: DateTime<Utc>) -> Result<Change<SignedOut>, OwnAccount> {
        spare_yourself(self.id, by)?;
        let act = UserBlocked { user: self.id, email: self.email.clone() };
        Ok(self.shut_out(now).done_on_platform_by(&by.actor(), &act, now))
    }

    /// Lets a blocked user sign in again.
    pub fn unblock(mut self, by: &Admin, now: DateTime<Utc>) -> Change<Self> {
        self.blocked_at = None;
        let act = UserUnblocked { user: self.id, email: self.email.clone() };
        Change::of_platform(self).done_on_platform_by(&by.actor(), &act, now)
    }

    /// Is to be deleted at once, without a time of grace.
    ///
    /// # Errors
    ///
    /// [`OwnAccount`].
    pub fn expel(
        mut self,
        by: &Admin,
        now: DateTime<Utc>,
    ) -> Result<Change<SignedOut>, OwnAccount> {
        spare_yourself(self.id, by)?;
        self.delete_at = Some(now);
        let act = UserDeleted { user: self.id, email: self.email.clone() };
        Ok(self.shut_out(now).done_on_platform_by(&by.actor(), &act, now))
    }

    /// Becomes a platform admin, or is none any more.
    pub fn set_platform_role(
        mut self,
        role: PlatformRole,
        by: &Admin,
        now: DateTime<Utc>,
    ) -> Change<Self> {
        self.is_admin = role == PlatformRole::Admin;
        let act = AdminRoleChanged { user: self.id, is_admin: self.is_admin };
        Change::of_platform(self).done_on_platform_by(&by.actor(), &act, now)
    }

    /// Signs in no more to restore the account, because it is being deleted in steps.
    pub fn wind_up(self, now: DateTime<Utc>) -> Change<SignedOut> {
        self.shut_out(now)
    }

    /// Deletes the account with all it has; what they did stays in the audit logs.
    pub fn delete(self, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = AccountDeleted { user: self.id };
        Change::of_platform(Deleted(self)).done_on_platform_by(&Actor::system(), &act, now)
    }

    fn with_password(self, password_hash: String) -> Change<New<UserWithPassword>> {
        Change::of_platform(New(UserWithPassword { user: self, password_hash }))
    }

    fn shut_out(mut self, now: DateTime<Utc>) -> Change<SignedOut> {
        self.blocked_at.get_or_insert(now);
        self.signed_out(now)
    }

    const fn signed_out(self, at: DateTime<Utc>) -> Change<SignedOut> {
        Change::of_platform(SignedOut { user: self, at })
    }
}
