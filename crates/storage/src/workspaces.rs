//! Tenants and who works in them: the `workspaces` and `members` tables.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{UserId, WorkspaceId},
    role::Role,
    workspace::Workspace,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// All tenants.
pub struct Workspaces<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Workspaces<'_> {
    /// Stores a new workspace with an empty log.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert(self, workspace: &Workspace) -> Result<(), StorageError> {
        const SQL: &str = "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)";
        const HEAD: &str = "INSERT INTO event_heads (workspace_id, seq) VALUES ($1, 0)";
        run!(self.tx, SQL; workspace.id.into_uuid(), &workspace.name, workspace.created_at);
        run!(self.tx, HEAD; workspace.id.into_uuid());
        Ok(())
    }

    /// Finds a workspace.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn find(self, id: WorkspaceId) -> Result<Option<Workspace>, StorageError> {
        const SQL: &str = "SELECT id, name, created_at FROM workspaces WHERE id = $1";
        let row = row!(self.tx, (Uuid, String, DateTime<Utc>), SQL; id.into_uuid());
        Ok(row.map(|(id, name, created_at)| Workspace { id: id.into(), name, created_at }))
    }

    /// Deletes a workspace with everything in it.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or there is no such workspace.
    pub async fn delete(self, id: WorkspaceId) -> Result<(), StorageError> {
        let deleted = run!(self.tx, "DELETE FROM workspaces WHERE id = $1"; id.into_uuid());
        StorageError::expect_one_row("workspaces", deleted)
    }
}

/// The members of one workspace.
pub struct Members<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Members<'_> {
    /// Makes a user a member.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when they are one already.
    pub async fn insert(
        self,
        user: UserId,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str =
            "INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)";
        run!(self.tx, SQL; self.workspace.into_uuid(), user.into_uuid(), role.as_str(), now);
        Ok(())
    }

    /// The role of a user here, if they have one.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the stored role is unknown.
    pub async fn role(self, user: UserId) -> Result<Option<Role>, StorageError> {
        const SQL: &str = "SELECT role FROM members WHERE workspace_id = $1 AND user_id = $2";
        let role = value!(self.tx, String, SQL; self.workspace.into_uuid(), user.into_uuid());
        role.map(|role| role.parse().map_err(StorageError::corrupt("members"))).transpose()
    }
}
