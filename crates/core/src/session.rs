//! Signing in: the session that follows from it, and what it gives access to.

use chrono::{DateTime, Utc};

use crate::{
    act::Actor,
    ids::{ApiKeyId, SessionId, UserId},
    permission::Permissions,
    role::Role,
    user::User,
    workspace::Workspace,
};

/// A sign-in on one device. Its refresh tokens are one family: they end together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identity; stands in access tokens as `sid`.
    pub id: SessionId,
    /// The user who signed in.
    pub user_id: UserId,
    /// From where: the client's address.
    pub address: String,
    /// With what: the client's own words, at most 200 characters.
    pub user_agent: String,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub last_used_at: DateTime<Utc>,
    /// When it expires unless renewed.
    pub expires_at: DateTime<Utc>,
}

/// Whose a session or key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A person, signed in.
    User {
        /// Their account.
        user: Box<User>,
        /// Their session.
        session: SessionId,
    },
    /// A program with a key.
    Key {
        /// The key.
        id: ApiKeyId,
        /// Its display name.
        name: String,
        /// The person whose standing it follows; a service key has none.
        maker: Option<UserId>,
    },
}

impl Principal {
    /// Who the audit log says acts when they act from an address.
    pub fn actor(&self, address: &str) -> Actor {
        match self {
            Self::User { user, .. } => Actor::user(user.id, &user.email, address),
            Self::Key { id, name, .. } => Actor::api_key(*id, name, address),
        }
    }
}

/// What a session or a key gives access to at this moment. Read from the database once, then kept
/// in memory until something of it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The actor.
    pub principal: Principal,
    /// Where, if the person is a member anywhere.
    pub place: Option<WorkspaceAccess>,
}

impl Access {
    /// Whether it gives everything that `before` gave.
    pub fn covers(&self, before: &Self) -> bool {
        let is_admin = |access: &Self| match &access.principal {
            Principal::User { user, .. } => user.is_admin,
            Principal::Key { .. } => false,
        };
        if is_admin(before) && !is_admin(self) {
            return false;
        }
        match (&self.place, &before.place) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(now), Some(before)) => now.covers(before),
        }
    }
}

impl WorkspaceAccess {
    fn covers(&self, before: &Self) -> bool {
        let suspended = |place: &Self| place.suspended || place.workspace.suspended_at.is_some();
        self.workspace.id == before.workspace.id
            && self.permissions.cover(before.permissions)
            && (!suspended(self) || suspended(before))
    }
}

/// A workspace in which somebody acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceAccess {
    /// The workspace; nobody acts in it while it is suspended.
    pub workspace: Workspace,
    /// The person's role there; a key has none.
    pub role: Option<Role>,
    /// What may be done.
    pub permissions: Permissions,
    /// Is this member suspended there?
    pub suspended: bool,
}

/// What became of a refresh token that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was good; the new one is stored.
    Renewed(Session),
    /// It had been used before: the session is revoked now, because one of its two users is a
    /// thief.
    Reused(Session),
    /// It is not known, or its session has ended.
    Unknown,
}

/// What becomes of an attempt to sign in, before the password is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It may be made; it counts as failed until it succeeds.
    Allowed,
    /// Not before this time.
    Wait(DateTime<Utc>),
}

/// How attempts to sign in to one account slow down: after some failures each must wait twice as
/// long as the one before, and after many the account is locked for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// So many failures are free.
    pub free: u32,
    /// How long the first delayed attempt waits.
    pub first: std::time::Duration,
    /// From so many failures on, the account is locked.
    pub lock_after: u32,
    /// For how long. Failures are forgotten after as long.
    pub lock: std::time::Duration,
}

impl Patience {
    /// How long after its latest failure an account with so many failures must wait.
    pub fn delay(&self, failures: u32) -> std::time::Duration {
        if failures < self.free {
            return std::time::Duration::ZERO;
        }
        if failures >= self.lock_after {
            return self.lock;
        }
        let doubled = 2u32.checked_pow(failures - self.free).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.lock)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{assistant::Language, clock::Clock};

    #[test]
    fn an_access_covers_an_earlier_one_unless_something_was_taken_away() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let user = User {
            id: clock.id(),
            email: "ann@example.org".to_owned(),
            name: None,
            language: Language::English,
            notifications: crate::user::Notifications::default(),
            is_admin: true,
            second_factor: false,
            blocked_at: None,
            delete_at: None,
            created_at: clock.now(),
        };
        let workspace = Workspace {
            id: clock.id(),
            name: "Shop".to_owned(),
            suspended_at: None,
            created_at: clock.now(),
        };
        let role = Role::Admin;
        let place = WorkspaceAccess {
            workspace,
            role: Some(role),
            permissions: Permissions::of_role(role),
            suspended: false,
        };
        let principal = Principal::User { user: Box::new(user.clone()), session: clock.id() };
        let before = Access { principal, place: Some(place.clone()) };
        let at = |change: fn(&mut WorkspaceAccess)| {
            let mut place = place.clone();
            change(&mut place);
            Access { place: Some(place), ..before.clone() }
        };

        assert!(before.covers(&before));
        assert!(at(|place| place.permissions = Permissions::of_role(Role::Owner)).covers(&before));
        assert!(
            !at(|place| place.permissions = Permissions::of_role(Role::Viewer)).covers(&before)
        );
        assert!(!at(|place| place.suspended = true).covers(&before));
        assert!(
            !at(|place| place.workspace.suspended_at = Some(DateTime::UNIX_EPOCH)).covers(&before)
        );
        let suspended = at(|place| place.suspended = true);
        assert!(suspended.covers(&suspended));
        assert!(!Access { place: None, ..before.clone() }.covers(&before));
        assert!(before.covers(&Access { place: None, ..before.clone() }));
        let plain = User { is_admin: false, ..user };
        let principal = Principal::User { user: Box::new(plain), session: clock.id() };
        assert!(!Access { principal, place: Some(place.clone()) }.covers(&before));
    }

    #[test]
    fn delays_grow_and_end_in_a_lock() {
        let patience = Patience {
            free: 3,
            first: Duration::from_secs(1),
            lock_after: 10,
            lock: Duration::from_mins(15),
        };
        let seconds: Vec<u64> = (0..12).map(|n| patience.delay(n).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 900, 900]);
    }
}
