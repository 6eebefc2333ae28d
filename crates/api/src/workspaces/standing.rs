//! Where somebody stands in a workspace, as the transaction sees it that they change something in.

use replyx_core::{
    ids::{UserId, WorkspaceId},
    permission::{Permission, Permissions},
    role::Role,
    session::Actor,
    workspace::Member,
};
use replyx_storage::Tx;

use crate::{
    caller::Caller,
    error::{ApiError, ApiResult},
};

/// What somebody has to give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// The person: for a key, who made it.
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
/// 403 when they no longer have the permission, 401 when the key is gone.
pub(super) async fn of(tx: &mut Tx, caller: &Caller, needs: Permission) -> ApiResult<Standing> {
    let workspace = caller.workspace_id;
    let standing = match &caller.access.actor {
        Actor::User { user, .. } => {
            let member = active(tx, workspace, user.id).await?.ok_or(ApiError::Forbidden)?;
            Standing {
                person: user.id,
                ceiling: member.role,
                permissions: Permissions::of_role(member.role),
            }
        }
        Actor::Key { id, .. } => {
            let key = tx.workspace(workspace).api_keys().find(*id).await?;
            let key = key.ok_or(ApiError::Unauthenticated)?;
            // Owners are made by people.
            Standing { person: key.created_by, ceiling: Role::Admin, permissions: key.scopes }
        }
    };
    if standing.permissions.allow(needs) { Ok(standing) } else { Err(ApiError::Forbidden) }
}

/// A member who may act at this moment.
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
    Ok(member.filter(|member| member.suspended_at.is_none()))
}
