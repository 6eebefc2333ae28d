//! Where somebody stands in a workspace, as the transaction sees it that they change something in.

use replyx_core::{
    ids::{UserId, WorkspaceId},
    permission::{Permission, Permissions},
    role::Role,
    session::Principal,
    workspace::Member,
};
use replyx_storage::Tx;

use crate::{
    caller::Caller,
    error::{ApiError, ApiResult},
};

/// What a person has to give. Programs with keys decide nothing here ([`Permission::needs_person`]).
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
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
    /// 403 for a role above their own.
    pub(super) fn reaches(&self, role: Role) -> ApiResult<()> {
        if role <= self.ceiling { Ok(()) } else { Err(ApiError::Forbidden) }
    }
}

/// Where the caller stands now.
///
/// # Errors
///
/// 403 when they no longer have the permission, or are no person.
pub(super) async fn of(tx: &mut Tx, caller: &Caller, needs: Permission) -> ApiResult<Standing> {
    let Principal::User { user, .. } = &caller.access.principal else {
        return Err(ApiError::Forbidden);
    };
    let member = active(tx, caller.workspace_id, user.id).await?.ok_or(ApiError::Forbidden)?;
    let permissions = Permissions::of_role(member.role);
    if !permissions.allow(needs) {
        return Err(ApiError::Forbidden);
    }
    Ok(Standing { person: user.id, ceiling: member.role, permissions })
}

/// A member who may act at this moment: not suspended here, and not blocked in the installation.
///
/// # Errors
///
/// Fails when the database does.
pub(super) async fn active(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
) -> ApiResult<Option<Member>> {
    let member = tx.workspace(workspace).members().find(user).await?;
    let Some(member) = member.filter(|member| member.suspended_at.is_none()) else {
        return Ok(None);
    };
    let person = tx.system().users().find(user).await?;
    Ok(person.filter(|person| person.blocked_at.is_none()).map(|_| member))
}
