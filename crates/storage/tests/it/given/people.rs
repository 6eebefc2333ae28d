//! States of people and workspaces, written whatever the rules say.

use chrono::{DateTime, Utc};
use replyx_core::{
    change::{Gone, New},
    fixtures,
    ids::{ApiKeyId, InvitationId, UserId, WorkspaceId},
    role::Role,
    rules::{invitation::SentInvitation, key::HashedKey, workspace::ResumedWorkspace},
    workspace::{ApiKey, Invitation, Member, Workspace},
};
use replyx_storage::{State, StorageError, Tx};

type Written = Result<(), StorageError>;

async fn write<T: State>(tx: &mut Tx, state: T) -> Written {
    tx.apply(fixtures::unexplained(state)).await.map(drop)
}

/// A member, as they are stored beside their account.
pub(crate) fn member(
    workspace: WorkspaceId,
    user: UserId,
    role: Role,
    joined: DateTime<Utc>,
) -> Member {
    Member { created_at: joined, ..fixtures::member(&super::clock(), workspace, user, role) }
}

pub(crate) async fn join(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    role: Role,
    joined: DateTime<Utc>,
) -> Written {
    write(tx, New(member(workspace, user, role, joined))).await
}

pub(crate) async fn set_role(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    role: Role,
) -> Written {
    let found = tx.workspace(workspace).members().find(user).await?;
    write(tx, Member { role, ..found.expect("a member") }).await
}

pub(crate) async fn suspend_member(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    suspended_at: Option<DateTime<Utc>>,
) -> Written {
    let found = tx.workspace(workspace).members().find(user).await?;
    write(tx, Member { suspended_at, ..found.expect("a member") }).await
}

pub(crate) async fn leave(tx: &mut Tx, workspace: WorkspaceId, user: UserId) -> Written {
    write(tx, Gone(member(workspace, user, Role::Viewer, super::at(0)))).await
}

pub(crate) async fn found(tx: &mut Tx, workspace: &Workspace) -> Written {
    write(tx, New(workspace.clone())).await
}

pub(crate) async fn rename(tx: &mut Tx, id: WorkspaceId, name: &str) -> Written {
    let found = tx.system().workspaces().lock(id).await?;
    write(tx, Workspace { name: name.to_owned(), ..found.expect("a workspace") }).await
}

/// Suspends a workspace; without a time, resumes it.
pub(crate) async fn suspend(
    tx: &mut Tx,
    id: WorkspaceId,
    suspended_at: Option<DateTime<Utc>>,
) -> Written {
    let found = tx.system().workspaces().lock(id).await?;
    let workspace = Workspace { suspended_at, ..found.expect("a workspace") };
    match suspended_at {
        Some(_) => write(tx, workspace).await,
        None => write(tx, ResumedWorkspace(workspace)).await,
    }
}

pub(crate) async fn end(tx: &mut Tx, id: WorkspaceId) -> Written {
    write(tx, Gone(Workspace { id, ..super::workspace() })).await
}

pub(crate) async fn invite(tx: &mut Tx, invitation: &Invitation, token: &str) -> Written {
    let invitation = invitation.clone();
    write(tx, New(SentInvitation { invitation, token_hash: token.to_owned() })).await
}

/// Uses an invitation up without joining.
pub(crate) async fn take(tx: &mut Tx, token: &str) -> Result<Option<Invitation>, StorageError> {
    let Some(invitation) = tx.system().invitations().lock(token).await? else { return Ok(None) };
    write(tx, Gone(invitation.clone())).await?;
    Ok(Some(invitation))
}

/// Revokes an invitation; `false` when there is none.
pub(crate) async fn revoke(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: InvitationId,
) -> Result<bool, StorageError> {
    let found = tx.workspace(workspace).invitations().lock(id).await?;
    let Some(invitation) = found else { return Ok(false) };
    write(tx, Gone(invitation)).await?;
    Ok(true)
}

pub(crate) async fn store_key(tx: &mut Tx, key: &ApiKey, hash: &str) -> Written {
    write(tx, New(HashedKey { key: key.clone(), hash: hash.to_owned() })).await
}

/// Renames a key; `false` when there is none.
pub(crate) async fn rename_key(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: ApiKeyId,
    name: &str,
) -> Result<bool, StorageError> {
    let found = tx.workspace(workspace).api_keys().lock(id).await?;
    let Some(key) = found else { return Ok(false) };
    write(tx, ApiKey { name: name.to_owned(), ..key }).await?;
    Ok(true)
}

/// Revokes a key; `false` when there is none.
pub(crate) async fn revoke_key(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: ApiKeyId,
) -> Result<bool, StorageError> {
    let found = tx.workspace(workspace).api_keys().lock(id).await?;
    let Some(key) = found else { return Ok(false) };
    write(tx, Gone(key)).await?;
    Ok(true)
}
