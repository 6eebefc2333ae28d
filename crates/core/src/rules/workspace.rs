//! What happens to workspaces.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        Actor, AllowedModelsChanged, WorkspaceCreated, WorkspaceResumed, WorkspaceSuspended,
        WorkspaceUpdated,
    },
    change::{Change, Deleted, New},
    ids::{UserId, WorkspaceId},
    role::Role,
    user::User,
    workspace::{Member, Membership, Workspace},
};

#[cfg(test)]
mod tests;

/// A workspace with its first owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedWorkspace {
    /// The workspace.
    pub workspace: Workspace,
    /// Its owner.
    pub owner: Member,
}

/// A workspace that was suspended: its turns and jobs are done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumedWorkspace(pub Workspace);

/// Which models the assistants of a workspace may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedModels {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Their names; `None`: all that the installation allows.
    pub names: Option<Vec<String>>,
}

/// The person owns, or belongs to, as many workspaces as a person may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the person owns or belongs to too many workspaces")]
pub struct TooManyOwned;

/// The workspace has other members and would be left without an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the workspace has other members and no other owner")]
pub struct OwnerOfOthers;

impl Workspace {
    /// Creates another workspace of a person, who has these `memberships` already.
    ///
    /// # Errors
    ///
    /// [`TooManyOwned`].
    pub fn create(
        self,
        owner: &User,
        memberships: &[Membership],
        by: &Actor,
    ) -> Result<Change<New<OwnedWorkspace>>, TooManyOwned> {
        let owned = memberships.iter().filter(|membership| membership.role == Role::Owner).count();
        if owned >= Membership::MOST_OWNED || memberships.len() >= Membership::MOST {
            return Err(TooManyOwned);
        }
        let at = self.created_at;
        let act = WorkspaceCreated { workspace: self.id, name: self.name.clone() };
        Ok(self.come_with(owner).done_by(by, &act, at))
    }

    /// Creates the workspace that a new account comes with; the account's own act tells of it.
    pub fn come_with(self, owner: &User) -> Change<New<OwnedWorkspace>> {
        let owner = Member {
            workspace_id: self.id,
            user_id: owner.id,
            email: owner.email.clone(),
            name: owner.name.clone(),
            role: Role::Owner,
            suspended_at: None,
            created_at: self.created_at,
        };
        Change::of(self.id, New(OwnedWorkspace { workspace: self, owner }))
    }

    /// Creates a workspace in which nobody works: that of a measurement.
    pub fn create_unowned(self) -> Change<New<Self>> {
        Change::of(self.id, New(self))
    }

    /// Gives it another name.
    pub fn rename(mut self, name: String, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        self.name = name;
        let act = WorkspaceUpdated { workspace: self.id, name: self.name.clone() };
        Change::of(self.id, self).done_by(by, &act, now)
    }

    /// Suspends it: nobody acts in it, and its assistants do not answer. To suspend it again does
    /// not change since when.
    pub fn suspend(mut self, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        self.suspended_at.get_or_insert(now);
        let act = WorkspaceSuspended { workspace: self.id, name: self.name.clone() };
        Change::of_platform(self).done_on_platform_by(by, &act, now)
    }

    /// Resumes it.
    pub fn resume(mut self, by: &Actor, now: DateTime<Utc>) -> Change<ResumedWorkspace> {
        self.suspended_at = None;
        let act = WorkspaceResumed { workspace: self.id, name: self.name.clone() };
        Change::of_platform(ResumedWorkspace(self)).done_on_platform_by(by, &act, now)
    }

    /// Restricts its assistants to these models; `None`: to all that the installation allows.
    pub fn restrict(
        &self,
        names: Option<Vec<String>>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<AllowedModels> {
        let act = AllowedModelsChanged {
            workspace: self.id,
            name: self.name.clone(),
            allowed_models: names.clone(),
        };
        let allowed = AllowedModels { workspace_id: self.id, names };
        Change::of_platform(allowed).done_on_platform_by(by, &act, now)
    }

    /// Answers no customer any more, because it is being deleted in steps.
    pub fn wind_up(mut self, now: DateTime<Utc>) -> Change<Self> {
        self.suspended_at.get_or_insert(now);
        Change::of_platform(self)
    }

    /// Deletes it with all it has, together with the account of its last member.
    pub fn delete(self) -> Change<Deleted<Self>> {
        Change::of_platform(Deleted(self))
    }
}

/// What becomes of a workspace when one of its members goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceFate {
    /// It has another owner, or the member was none.
    GoesOn,
    /// Nobody else works in it.
    Ends,
    /// Somebody joined after its last owner had asked to be deleted; one of those who stay must own
    /// it.
    PassesTo(Member),
}

impl WorkspaceFate {
    /// The fate of a workspace with these `members`, of whom `owners` may act and will stay.
    pub fn after(leaving: UserId, owners: &[UserId], members: Vec<Member>) -> Self {
        if owners.iter().any(|owner| *owner != leaving) {
            return Self::GoesOn;
        }
        let leaves_as_owner =
            members.iter().any(|member| member.user_id == leaving && member.role == Role::Owner);
        let staying = members.into_iter().filter(|member| member.user_id != leaving);
        // Active members come before suspended ones, then the higher role, then the longer
        // membership.
        let rank = |member: &Member| {
            (member.suspended_at.is_none(), member.role, Reverse(member.created_at))
        };
        let Some(heir) = staying.max_by_key(rank) else { return Self::Ends };
        if leaves_as_owner { Self::PassesTo(heir) } else { Self::GoesOn }
    }
}

/// Refuses to let the last owner of a workspace with other members go: somebody must stay who can
/// run it. `owners` are those who may act and will stay.
///
/// # Errors
///
/// [`OwnerOfOthers`].
pub fn spare_last_owner(
    leaving: UserId,
    owners: &[UserId],
    members: &[Member],
) -> Result<(), OwnerOfOthers> {
    let has_another = owners.iter().any(|owner| *owner != leaving);
    let is_alone = members.iter().all(|member| member.user_id == leaving);
    if has_another || is_alone { Ok(()) } else { Err(OwnerOfOthers) }
}
