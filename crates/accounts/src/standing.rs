//! Where somebody stands in a workspace, as the transaction sees it that they change something in.
//!
//! Nobody gives away more than they have, and nobody touches members with a higher role. Whoever
//! changes members, invites or makes keys is looked up again here: what was known when they called
//! may be a moment old, and two who demote each other at once must not both succeed.

use replyx_core::{
    actor::Caller,
    ids::{UserId, WorkspaceId},
    permission::{Permission, Permissions},
    role::Role,
    session::Principal,
    workspace::Member,
};
use replyx_storage::{StorageError, Tx};

use crate::{Error, Result};

/// What a person has to give. Programs with keys decide nothing here
/// ([`Permission::needs_person`]).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// The person.
    pub person: UserId,
    /// The highest role that they may give, and whom they may touch.
    pub ceiling: Role,
    /// What they may do themselves.
    pub permissions: Permissions,
}

impl Standing {
    /// Refuses what is above them.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for a role above their own.
    pub(crate) fn reaches(&self, role: Role) -> Result<()> {
        if role <= self.ceiling { Ok(()) } else { Err(Error::Forbidden) }
    }
}

/// Where the caller stands now.
///
/// # Errors
///
/// [`Error::Forbidden`] when they no longer have the permission, or are no person.
pub(crate) async fn of(tx: &mut Tx, caller: &Caller, needs: Permission) -> Result<Standing> {
    let Principal::User { user, .. } = &caller.access.principal else {
        return Err(Error::Forbidden);
    };
    let member = active(tx, caller.workspace_id, user.id).await?.ok_or(Error::Forbidden)?;
    let permissions = Permissions::of_role(member.role);
    if !permissions.allow(needs) {
        return Err(Error::Forbidden);
    }
    Ok(Standing { person: user.id, ceiling: member.role, permissions })
}

/// A member who may act at this moment: not suspended here, and not blocked in the installation.
pub(crate) async fn active(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
) -> Result<Option<Member>, StorageError> {
    let member = tx.workspace(workspace).members().find(user).await?;
    let Some(member) = member.filter(|member| member.suspended_at.is_none()) else {
        return Ok(None);
    };
    let person = tx.system().users().find(user).await?;
    Ok(person.filter(|person| person.blocked_at.is_none()).map(|_| member))
}
