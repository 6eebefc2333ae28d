//! Sessions as stored, and what they are joined with.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::SessionId,
    permission::Permissions,
    role::Role,
    session::{Access, Principal, Session, WorkspaceAccess},
};
use uuid::Uuid;

use crate::{StorageError, users, workspaces};

/// A session as stored.
#[derive(crate::FromRow)]
pub(super) struct Row {
    id: Uuid,
    user_id: Uuid,
    address: String,
    user_agent: String,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// A user and, where they are a member, a workspace.
#[derive(crate::FromRow)]
pub(super) struct AccessRow {
    #[row(flatten)]
    user: users::Row,
    workspace_id: Option<Uuid>,
    workspace_name: Option<String>,
    workspace_suspended_at: Option<DateTime<Utc>>,
    workspace_created_at: Option<DateTime<Utc>>,
    role: Option<String>,
    member_suspended_at: Option<DateTime<Utc>>,
}

impl AccessRow {
    /// What the session with this id gives access to.
    pub(super) fn access(mut self, id: SessionId) -> Result<Access, StorageError> {
        let place = self.place()?;
        let principal = Principal::User { user: Box::new(users::read(self.user)?), session: id };
        Ok(Access { principal, place })
    }

    fn place(&mut self) -> Result<Option<WorkspaceAccess>, StorageError> {
        let (Some(workspace_id), Some(workspace_name), Some(workspace_created_at), Some(role)) = (
            self.workspace_id,
            self.workspace_name.take(),
            self.workspace_created_at,
            self.role.take(),
        ) else {
            return Ok(None);
        };
        let role: Role = role.parse().map_err(StorageError::corrupt("members"))?;
        Ok(Some(WorkspaceAccess {
            workspace: workspaces::read(workspaces::Row {
                workspace_id,
                workspace_name,
                workspace_suspended_at: self.workspace_suspended_at,
                workspace_created_at,
            }),
            role: Some(role),
            permissions: Permissions::of_role(role),
            suspended: self.member_suspended_at.is_some(),
        }))
    }
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            user_id: row.user_id.into(),
            address: row.address,
            user_agent: row.user_agent,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}
