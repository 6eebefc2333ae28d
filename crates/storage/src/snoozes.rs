//! Dialogs that are out of sight for a time: the `snoozes` table.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{DialogId, WorkspaceId},
    snooze::{EndedSnooze, Snooze},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// At most so many are looked at in one step.
pub const STEP: i64 = 500;

/// One workspace's snoozes.
pub struct Snoozes<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Snoozes<'_> {
    /// The snooze of a dialog, in force or not.
    pub async fn find(self, dialog: DialogId) -> Result<Option<Snooze>, StorageError> {
        const SQL: &str = "
            SELECT until_at, heard_seq, epoch, created_at FROM snoozes
             WHERE workspace_id = $1 AND dialog_id = $2";
        type Found = (DateTime<Utc>, i64, i64, DateTime<Utc>);
        let found = row!(self.tx, Found, SQL; self.workspace.into_uuid(), dialog.into_uuid());
        Ok(found.map(|(until, heard_seq, epoch, created_at)| Snooze {
            workspace_id: self.workspace,
            dialog_id: dialog,
            until,
            heard_seq,
            epoch,
            created_at,
        }))
    }

    /// Stores a snooze in place of the one that the dialog has.
    ///
    /// # Errors
    ///
    /// Fails when there is no such dialog.
    pub(crate) async fn save(self, snooze: &Snooze) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO snoozes (workspace_id, dialog_id, until_at, heard_seq, epoch, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (workspace_id, dialog_id) DO UPDATE
               SET until_at = excluded.until_at, heard_seq = excluded.heard_seq,
                   epoch = excluded.epoch, created_at = excluded.created_at";
        let Self { tx, workspace } = self;
        tx.workspace(workspace).slas().pause(snooze.dialog_id, snooze.created_at).await?;
        run!(tx, SQL;
            workspace.into_uuid(), snooze.dialog_id.into_uuid(), snooze.until,
            snooze.heard_seq, snooze.epoch, snooze.created_at);
        Ok(())
    }

    /// Deletes a snooze that is over.
    ///
    /// # Errors
    ///
    /// Fails when it is not there.
    pub(crate) async fn end(self, ended: &EndedSnooze) -> Result<(), StorageError> {
        const SQL: &str = "DELETE FROM snoozes WHERE workspace_id = $1 AND dialog_id = $2";
        let Self { tx, workspace } = self;
        let dialog = ended.snooze.dialog_id;
        tx.workspace(workspace).slas().pause(dialog, ended.at).await?;
        let deleted = run!(tx, SQL; workspace.into_uuid(), dialog.into_uuid());
        StorageError::expect_one_row("snoozes", deleted)
    }
}

/// All snoozes.
pub struct SystemSnoozes<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemSnoozes<'_> {
    /// Dialogs whose snoozes are over: by time, by words of the customer, or by another epoch.
    pub async fn over(
        self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(WorkspaceId, DialogId)>, StorageError> {
        const SQL: &str = "
            SELECT z.workspace_id, z.dialog_id FROM snoozes z
              JOIN dialogs d ON d.workspace_id = z.workspace_id AND d.id = z.dialog_id
             WHERE z.until_at <= $1 OR d.heard_seq > z.heard_seq OR d.epoch <> z.epoch
             ORDER BY z.workspace_id, z.dialog_id LIMIT $2";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; now, STEP);
        Ok(rows.into_iter().map(|(workspace, dialog)| (workspace.into(), dialog.into())).collect())
    }
}
