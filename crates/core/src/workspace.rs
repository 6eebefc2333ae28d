//! A tenant: a business with its members, assistants and dialogs.

use chrono::{DateTime, Utc};

use crate::{
    ids::{ApiKeyId, InvitationId, UserId, WorkspaceId},
    permission::Permissions,
    role::Role,
};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Identity.
    pub id: WorkspaceId,
    /// Its display name.
    pub name: String,
    /// Since when nobody may act in it.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// A user in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Who.
    pub user_id: UserId,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: Option<String>,
    /// Their role here.
    pub role: Role,
    /// Since when they may not act here.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When they became a member.
    pub created_at: DateTime<Utc>,
}

/// A workspace, as listed for one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub workspace: Workspace,
    /// Their role there.
    pub role: Role,
    /// When they were suspended there.
    pub suspended_at: Option<DateTime<Utc>>,
}

impl Membership {
    /// The most workspaces that one user may belong to.
    pub const MOST: usize = 100;
    /// The most workspaces that one user may own.
    pub const MOST_OWNED: usize = 20;
}

/// An offer to become a member, sent by mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Identity.
    pub id: InvitationId,
    /// Into which workspace.
    pub workspace_id: WorkspaceId,
    /// Whom: the (normal) e-mail address.
    pub email: String,
    /// The role they will have.
    pub role: Role,
    /// The user who invited them.
    pub invited_by: UserId,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// Whose an API key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// Its maker's: it may do no more than they may now, and is dead while they may do nothing.
    Maker,
    /// The workspace's, by an owner's choice: a service key, which goes on when its maker leaves.
    Workspace,
}

/// A program's key to a workspace. The key itself is shown once and stored as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Its display name.
    pub name: String,
    /// The beginning of the secret, to tell keys apart.
    pub prefix: String,
    /// What it may do at most.
    pub scopes: Permissions,
    /// The workspace it belongs to.
    pub owner: KeyOwner,
    /// The user who created it.
    pub created_by: UserId,
    /// When it expires, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}
