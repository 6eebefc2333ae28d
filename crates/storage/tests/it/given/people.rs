//! States of people and workspaces, written whatever the rules say.

use chrono::{DateTime, Utc};
use replyx_core::{
    change::{Deleted, New},
    fixtures,
    ids::{ApiKeyId, InvitationId, SessionId, UserId, WorkspaceId},
    role::Role,
    rules::{
        invitation::SentInvitation,
        key::HashedKey,
        second_factor::{ConfirmedSecondFactor, RecoveryCodes},
        session::{EndedSession, OpenedSession, OthersEnded},
        user::{NewPassword, PasswordLink, SignedOut, UserWithPassword},
        workspace::ResumedWorkspace,
    },
    session::Session,
    user::{Registration, SecondFactor, User},
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
    write(tx, Deleted(member(workspace, user, Role::Viewer, super::at(0)))).await
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
    write(tx, Deleted(Workspace { id, ..super::workspace() })).await
}

pub(crate) async fn invite(tx: &mut Tx, invitation: &Invitation, token: &str) -> Written {
    let invitation = invitation.clone();
    write(tx, New(SentInvitation { invitation, token_hash: token.to_owned() })).await
}

/// Uses an invitation up without joining.
pub(crate) async fn take(tx: &mut Tx, token: &str) -> Result<Option<Invitation>, StorageError> {
    let Some(invitation) = tx.system().invitations().lock(token).await? else { return Ok(None) };
    write(tx, Deleted(invitation.clone())).await?;
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
    write(tx, Deleted(invitation)).await?;
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
    write(tx, Deleted(key)).await?;
    Ok(true)
}

/// Whether there was something to change.
fn changed(written: Written) -> Result<bool, StorageError> {
    match written {
        Ok(()) => Ok(true),
        Err(StorageError::RowsAffected { actual: 0, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) async fn sign_up(tx: &mut Tx, user: &User, password_hash: &str) -> Written {
    let password_hash = password_hash.to_owned();
    write(tx, New(UserWithPassword { user: user.clone(), password_hash })).await
}

pub(crate) async fn change_user(
    tx: &mut Tx,
    id: UserId,
    change: impl FnOnce(&mut User) + Send,
) -> Written {
    let mut user = tx.system().users().lock(id).await?.expect("a user");
    change(&mut user);
    write(tx, user).await
}

/// Blocks a user and ends their sessions; without a time, unblocks them.
pub(crate) async fn block(tx: &mut Tx, id: UserId, blocked_at: Option<DateTime<Utc>>) -> Written {
    let user = tx.system().users().lock(id).await?.expect("a user");
    let user = User { blocked_at, ..user };
    match blocked_at {
        Some(at) => write(tx, SignedOut { user, at }).await,
        None => write(tx, user).await,
    }
}

pub(crate) async fn delete_user(tx: &mut Tx, id: UserId) -> Written {
    write(tx, Deleted(User { id, ..super::user() })).await
}

pub(crate) async fn set_password(tx: &mut Tx, user_id: UserId, hash: &str) -> Written {
    let hash = hash.to_owned();
    write(tx, NewPassword { user_id, hash, kept: None, at: super::at(0) }).await
}

pub(crate) async fn request(tx: &mut Tx, registration: &Registration) -> Written {
    write(tx, New(registration.clone())).await
}

pub(crate) async fn link(
    tx: &mut Tx,
    token_hash: &str,
    user_id: UserId,
    expires_at: DateTime<Utc>,
) -> Written {
    write(tx, New(PasswordLink { user_id, token_hash: token_hash.to_owned(), expires_at })).await
}

pub(crate) async fn open_session(tx: &mut Tx, session: &Session, refresh_hash: &str) -> Written {
    let refresh_hash = refresh_hash.to_owned();
    write(tx, New(OpenedSession { session: session.clone(), refresh_hash })).await
}

/// Ends a session; `false` when it is not theirs, or has ended.
pub(crate) async fn end_session(
    tx: &mut Tx,
    user_id: UserId,
    id: SessionId,
    at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    changed(write(tx, EndedSession { user_id, id, at }).await)
}

pub(crate) async fn end_others(
    tx: &mut Tx,
    user_id: UserId,
    kept: SessionId,
    at: DateTime<Utc>,
) -> Written {
    write(tx, OthersEnded { user_id, kept, at }).await
}

/// Begins a second factor; `false` when there is a confirmed one.
pub(crate) async fn begin_factor(
    tx: &mut Tx,
    user_id: UserId,
    secret: &[u8],
) -> Result<bool, StorageError> {
    let secret_sealed = secret.to_vec();
    changed(write(tx, New(SecondFactor { user_id, secret_sealed, confirmed_at: None })).await)
}

/// Confirms a second factor; `false` when there is none to confirm.
pub(crate) async fn confirm_factor(
    tx: &mut Tx,
    user_id: UserId,
    step: i64,
    code_hashes: &[String],
    at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let code_hashes = code_hashes.to_vec();
    changed(write(tx, ConfirmedSecondFactor { user_id, at, step, code_hashes }).await)
}

pub(crate) async fn replace_codes(tx: &mut Tx, user_id: UserId, hashes: &[String]) -> Written {
    write(tx, RecoveryCodes { user_id, hashes: hashes.to_vec() }).await
}

/// Removes a second factor; `false` when there is none.
pub(crate) async fn remove_factor(tx: &mut Tx, user_id: UserId) -> Result<bool, StorageError> {
    let factor = SecondFactor { user_id, secret_sealed: Vec::new(), confirmed_at: None };
    changed(write(tx, Deleted(factor)).await)
}
