//! What happens to the people who work in a workspace.
//!
//! Nobody gives away more than they have, and nobody touches members with a higher role. A
//! workspace always has an owner who may act and will stay.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        Actor, MemberLeft, MemberPromoted, MemberRemoved, MemberResumed, MemberRoleChanged,
        MemberSuspended,
    },
    change::{Change, Deleted},
    ids::UserId,
    permission::Permissions,
    role::Role,
    user::User,
    workspace::Member,
};

#[cfg(test)]
mod tests;

/// What a person may give to others in a workspace. Programs with keys decide nothing there
/// ([`needs_person`](crate::permission::Permission::needs_person)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The person.
    pub person: UserId,
    /// The highest role that they may give, and whom they may touch.
    pub ceiling: Role,
    /// What they may do themselves.
    pub permissions: Permissions,
}

/// A role above that of the person who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the role is above that of the person who acts")]
pub struct RoleAboveOwn;

impl Standing {
    /// Where a member stands; nowhere while they are suspended there or blocked in the
    /// installation.
    pub fn of(member: &Member, person: &User) -> Option<Self> {
        if member.suspended_at.is_some() || person.blocked_at.is_some() {
            return None;
        }
        let permissions = Permissions::of_role(member.role);
        Some(Self { person: person.id, ceiling: member.role, permissions })
    }

    /// Refuses what is above them.
    ///
    /// # Errors
    ///
    /// [`RoleAboveOwn`] for a role above their own.
    pub fn reaches(&self, role: Role) -> Result<(), RoleAboveOwn> {
        if role <= self.ceiling { Ok(()) } else { Err(RoleAboveOwn) }
    }
}

/// What is to change about a member; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemberUpdate {
    /// Their role.
    pub role: Option<Role>,
    /// Whether they may not act here from now on.
    pub suspended: Option<bool>,
}

/// A member cannot be changed or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MemberRefused {
    /// They have, or would have, a role above that of the person who acts.
    #[error(transparent)]
    AboveStanding(#[from] RoleAboveOwn),
    /// The workspace would be left without an owner.
    #[error("the workspace would be left without an owner")]
    LastOwner,
}

impl Member {
    /// Changes their role, suspends or resumes them. `owners` are those who may act and will stay.
    ///
    /// # Errors
    ///
    /// [`MemberRefused`].
    pub fn update(
        mut self,
        change: MemberUpdate,
        standing: &Standing,
        owners: &[UserId],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, MemberRefused> {
        standing.reaches(self.role)?;
        let from = self.role;
        let to = change.role.unwrap_or(from);
        standing.reaches(to)?;
        let was_suspended = self.suspended_at.is_some();
        let suspended = change.suspended.unwrap_or(was_suspended);
        if to != Role::Owner || suspended {
            self.spare(owners)?;
        }

        self.role = to;
        if suspended != was_suspended {
            self.suspended_at = suspended.then_some(now);
        }
        let member = self.user_id;
        let email = self.email.clone();
        let mut change = Change::of(self.workspace_id, self);
        if to != from {
            let act = MemberRoleChanged { member, email: email.clone(), from, to };
            change = change.done_by(by, &act, now);
        }
        if suspended && !was_suspended {
            change = change.done_by(by, &MemberSuspended { member, email }, now);
        } else if !suspended && was_suspended {
            change = change.done_by(by, &MemberResumed { member, email }, now);
        }
        Ok(change)
    }

    /// Owns the workspace and may act in it, because the account of its last owner is deleted.
    pub fn inherit(mut self, now: DateTime<Utc>) -> Change<Self> {
        self.role = Role::Owner;
        self.suspended_at = None;
        let act = MemberPromoted { member: self.user_id, role: self.role };
        Change::of(self.workspace_id, self).done_by(&Actor::system(), &act, now)
    }

    /// Leaves. `owners` are those who may act and will stay.
    ///
    /// # Errors
    ///
    /// [`MemberRefused::LastOwner`].
    pub fn leave(
        self,
        owners: &[UserId],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<Deleted<Self>>, MemberRefused> {
        self.spare(owners)?;
        let email = self.email.clone();
        let act = MemberLeft { member: self.user_id, email, role: self.role };
        Ok(Change::of(self.workspace_id, Deleted(self)).done_by(by, &act, now))
    }

    /// Is removed by somebody else. `owners` are those who may act and will stay.
    ///
    /// # Errors
    ///
    /// [`MemberRefused`].
    pub fn remove(
        self,
        standing: &Standing,
        owners: &[UserId],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<Deleted<Self>>, MemberRefused> {
        standing.reaches(self.role)?;
        self.spare(owners)?;
        let email = self.email.clone();
        let act = MemberRemoved { member: self.user_id, email, role: self.role };
        Ok(Change::of(self.workspace_id, Deleted(self)).done_by(by, &act, now))
    }

    /// Refuses to let the last owner go; an owner who goes may be none of those who stay.
    fn spare(&self, owners: &[UserId]) -> Result<(), MemberRefused> {
        let is_last = owners.iter().all(|owner| *owner == self.user_id);
        if self.role == Role::Owner && is_last { Err(MemberRefused::LastOwner) } else { Ok(()) }
    }
}
