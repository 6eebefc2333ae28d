//! Where somebody stands in a workspace, as the transaction sees it that they change something in.
//!
//! Whoever changes members, invites or makes keys is looked up again here: what was known when they
//! called may be a moment old, and two who demote each other at once must not both succeed. What
//! follows from a [`Standing`] is decided by the rules of `core`.

use replyx_core::{
    actor::Caller,
    ids::{UserId, WorkspaceId},
    permission::Permission,
    rules::member::Standing,
    session::Principal,
    user::User,
    workspace::Member,
};
use replyx_storage::{StorageError, Tx};

use crate::{Error, Result};

/// Where the caller stands now.
///
/// # Errors
///
/// [`Error::Forbidden`] when they no longer have the permission, or are no person.
pub(crate) async fn of(tx: &mut Tx, caller: &Caller, needs: Permission) -> Result<Standing> {
    let Principal::User { user, .. } = &caller.access.principal else {
        return Err(Error::Forbidden);
    };
    let found = member(tx, caller.workspace_id, user.id).await?;
    let standing = found.and_then(|(member, person)| Standing::of(&member, &person));
    standing.filter(|standing| standing.permissions.allow(needs)).ok_or(Error::Forbidden)
}

/// A member of a workspace, with their account.
pub(crate) async fn member(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
) -> Result<Option<(Member, User)>, StorageError> {
    let member = tx.workspace(workspace).members().find(user).await?;
    let person = tx.system().users().find(user).await?;
    Ok(member.zip(person))
}
