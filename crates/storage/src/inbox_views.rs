//! The views that members have made of the inbox: the `inbox_views` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::ids::{UserId, WorkspaceId};

use crate::{StorageError, Tx};

/// All views of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredViews {
    /// The views, as the API writes them.
    pub views: String,
    /// When they were stored.
    pub updated_at: DateTime<Utc>,
}

/// One workspace's views.
pub struct InboxViews<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl InboxViews<'_> {
    /// The views of a member.
    pub async fn find(self, member: UserId) -> Result<Option<StoredViews>, StorageError> {
        const SQL: &str = "
            SELECT views, updated_at FROM inbox_views WHERE workspace_id = $1 AND user_id = $2";
        let found = row!(self.tx, (String, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), member.into_uuid());
        Ok(found.map(|(views, updated_at)| StoredViews { views, updated_at }))
    }

    /// Finds the views of a member and keeps others from changing them until the transaction ends,
    /// also when there are none.
    pub async fn lock(self, member: UserId) -> Result<Option<StoredViews>, StorageError> {
        macro_rules! member {
            () => {
                "SELECT user_id FROM members WHERE workspace_id = $1 AND user_id = $2"
            };
        }
        let Self { tx, workspace } = self;
        let sql = tx.sql(concat!(member!(), " FOR NO KEY UPDATE"), member!());
        run!(tx, sql; workspace.into_uuid(), member.into_uuid());
        tx.workspace(workspace).inbox_views().find(member).await
    }

    /// Stores the views of a member in place of those before.
    ///
    /// # Errors
    ///
    /// Fails when there is no such member.
    pub async fn put(self, member: UserId, views: &StoredViews) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO inbox_views (workspace_id, user_id, views, updated_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, user_id) DO UPDATE
               SET views = excluded.views, updated_at = excluded.updated_at";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), member.into_uuid(), &views.views, views.updated_at);
        Ok(())
    }
}
