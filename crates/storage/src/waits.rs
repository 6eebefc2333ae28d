//! Who waits for a human, and how long those before them did: the `waits` table of one workspace,
//! beside the dialogs that wait.

use chrono::{DateTime, Utc};
use replyx_core::{
    dialog::{Dialog, HandoffReason},
    ids::{DialogId, UserId, WorkspaceId},
    waiting::{EndedWait, QueueMove},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A dialog that waits for a human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The dialog.
    pub dialog_id: DialogId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: Option<HandoffReason>,
}

/// Who waits in one workspace.
pub struct Waits<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Waits<'_> {
    /// Notes that a wait began or ended, before the dialog is written.
    pub(crate) async fn note(self, dialog: &Dialog, to: QueueMove) -> Result<(), StorageError> {
        const ENTER: &str = "
            INSERT INTO waits (workspace_id, dialog_id, epoch, began_at, left_by, place)
            VALUES ($1, $2, $3, $4, $6,
                    (SELECT COUNT(*) + 1 FROM dialogs
                      WHERE workspace_id = $1 AND control IN ('waiting', 'human')
                        AND control = 'waiting' AND (asking_since, id) < ($5, $2)))";
        const LEAVE: &str = "
            UPDATE waits SET ended_at = $3, outcome = $4
             WHERE workspace_id = $1 AND dialog_id = $2 AND ended_at IS NULL";
        let workspace = self.workspace.into_uuid();
        let id = dialog.id.into_uuid();
        let now = dialog.updated_at;
        match to {
            QueueMove::Entered { left_by } => {
                let since = dialog.asking_since.unwrap_or(now);
                let left_by = left_by.map(UserId::into_uuid);
                run!(self.tx, ENTER; workspace, id, dialog.epoch, now, since, left_by)
            }
            QueueMove::Left(outcome) => {
                run!(self.tx, LEAVE; workspace, id, now, outcome.as_str())
            }
        };
        Ok(())
    }

    /// The waits that operators ended after `since`, the newest first, at most `limit`.
    pub async fn taken(
        self,
        since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<EndedWait>, StorageError> {
        const SQL: &str = "
            SELECT place, began_at, ended_at FROM waits
             WHERE workspace_id = $1 AND outcome = 'taken' AND ended_at > $2
             ORDER BY ended_at DESC LIMIT $3";
        let rows = rows!(self.tx, (i64, DateTime<Utc>, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), since, limit);
        let wait = |(place, began_at, ended_at)| EndedWait { place, began_at, ended_at };
        Ok(rows.into_iter().map(wait).collect())
    }

    /// The operator who left a dialog to those that wait.
    pub async fn left_by(self, dialog: DialogId) -> Result<Option<UserId>, StorageError> {
        const SQL: &str = "
            SELECT left_by FROM waits
             WHERE workspace_id = $1 AND dialog_id = $2 AND ended_at IS NULL
               AND left_by IS NOT NULL";
        let left_by = value!(self.tx, Uuid, SQL; self.workspace.into_uuid(), dialog.into_uuid());
        Ok(left_by.map(UserId::from))
    }

    /// How many wait before a dialog that has been asking, or would be, since a time.
    pub async fn before(self, since: DateTime<Utc>, dialog: DialogId) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM dialogs
             WHERE workspace_id = $1 AND control IN ('waiting', 'human') AND control = 'waiting'
               AND (asking_since, id) < ($2, $3)";
        let ahead =
            value!(self.tx, i64, SQL; self.workspace.into_uuid(), since, dialog.into_uuid());
        Ok(ahead.unwrap_or_default())
    }

    /// Those that wait, the longest first, at most `limit`, from a place on.
    pub async fn list(
        self,
        after: Option<(DateTime<Utc>, DialogId)>,
        limit: i64,
    ) -> Result<Vec<Waiter>, StorageError> {
        const SQL: &str = "
            SELECT id, asking_since, handoff_reason FROM dialogs
             WHERE workspace_id = $1 AND control IN ('waiting', 'human') AND control = 'waiting'
               AND (asking_since, id) > ($2, $3)
             ORDER BY asking_since, id LIMIT $4";
        let (at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil().into()));
        let rows = rows!(self.tx, (Uuid, DateTime<Utc>, Option<String>), SQL;
            self.workspace.into_uuid(), at, id.into_uuid(), limit);
        let waiter = |(id, since, reason): (Uuid, DateTime<Utc>, Option<String>)| {
            let reason = reason.as_deref().map(str::parse).transpose();
            let reason = reason.map_err(StorageError::corrupt("dialogs"))?;
            Ok(Waiter { dialog_id: id.into(), since, reason })
        };
        rows.into_iter().map(waiter).collect()
    }
}
