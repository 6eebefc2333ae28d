//! What steps on many dialogs changed, until it can no longer be undone: the `bulk_items` table.

use chrono::{DateTime, Utc};
use replyx_core::{
    bulk::{BulkItem, Undo},
    ids::{BulkId, DialogId, WorkspaceId},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// What steps changed in one workspace.
pub struct BulkItems<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl BulkItems<'_> {
    /// Stores what a step changed of a dialog.
    ///
    /// # Errors
    ///
    /// Fails when there is no such dialog.
    pub async fn insert(self, item: &BulkItem) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO bulk_items (workspace_id, bulk_id, dialog_id, actor_id, undo, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let undo = serde_json::to_string(&item.undo).expect("what undoing takes is plain data");
        run!(self.tx, SQL;
            self.workspace.into_uuid(), item.bulk_id.into_uuid(), item.dialog_id.into_uuid(),
            item.actor_id, undo, item.created_at);
        Ok(())
    }

    /// The dialogs that a step of this actor changed after a time.
    pub async fn dialogs(
        self,
        bulk: BulkId,
        actor: Uuid,
        after: DateTime<Utc>,
    ) -> Result<Vec<DialogId>, StorageError> {
        const SQL: &str = "
            SELECT dialog_id FROM bulk_items
             WHERE workspace_id = $1 AND bulk_id = $2 AND actor_id = $3 AND created_at > $4
             ORDER BY dialog_id";
        let rows = rows!(self.tx, (Uuid,), SQL;
            self.workspace.into_uuid(), bulk.into_uuid(), actor, after);
        Ok(rows.into_iter().map(|(dialog,)| dialog.into()).collect())
    }

    /// Takes what undoing a step on a dialog takes: nobody finds it again.
    pub async fn take(self, bulk: BulkId, dialog: DialogId) -> Result<Option<Undo>, StorageError> {
        const SQL: &str = "
            DELETE FROM bulk_items WHERE workspace_id = $1 AND bulk_id = $2 AND dialog_id = $3
            RETURNING undo";
        let undo = value!(self.tx, String, SQL;
            self.workspace.into_uuid(), bulk.into_uuid(), dialog.into_uuid());
        undo.map(|undo| serde_json::from_str(&undo).map_err(StorageError::corrupt("bulk_items")))
            .transpose()
    }
}

/// What steps changed anywhere, for housekeeping.
pub struct SystemBulkItems<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemBulkItems<'_> {
    /// Deletes a batch of what was changed before a time. Returns how many it deleted.
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("bulk_items", "created_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}
