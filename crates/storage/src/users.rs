//! People: the `users` table, which belongs to no workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{UserId, WorkspaceId},
    role::Role,
    user::User,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    name: Option<String>,
    password_hash: String,
    created_at: DateTime<Utc>,
}

/// All people of the installation.
pub struct Users<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Users<'_> {
    /// Stores a new user.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when the e-mail address is taken.
    pub async fn insert(self, user: &User, password_hash: &str) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
        run!(self.tx, SQL; user.id.into_uuid(), &user.email, &user.name, password_hash, user.created_at);
        Ok(())
    }

    /// Finds a user by id.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn find(self, id: UserId) -> Result<Option<User>, StorageError> {
        const SQL: &str =
            "SELECT id, email, name, password_hash, created_at FROM users WHERE id = $1";
        Ok(row!(self.tx, Row, SQL; id.into_uuid()).map(|row| read(row).0))
    }

    /// Finds a user and the hash of their password by (normal) e-mail address.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn find_by_email(self, email: &str) -> Result<Option<(User, String)>, StorageError> {
        const SQL: &str =
            "SELECT id, email, name, password_hash, created_at FROM users WHERE email = $1";
        Ok(row!(self.tx, Row, SQL; email).map(read))
    }

    /// The workspaces a user belongs to, oldest membership first, at most 100.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or a stored role is unknown.
    pub async fn memberships(self, id: UserId) -> Result<Vec<(WorkspaceId, Role)>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, role FROM members
             WHERE user_id = $1 ORDER BY created_at, workspace_id LIMIT 100";
        rows!(self.tx, (Uuid, String), SQL; id.into_uuid())
            .into_iter()
            .map(|(workspace, role)| {
                Ok((workspace.into(), role.parse().map_err(StorageError::corrupt("members"))?))
            })
            .collect()
    }
}

fn read(row: Row) -> (User, String) {
    let user =
        User { id: row.id.into(), email: row.email, name: row.name, created_at: row.created_at };
    (user, row.password_hash)
}
