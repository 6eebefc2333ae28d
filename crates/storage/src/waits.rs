//! Who waits for a human, and how long those before them did: the `waits` table of one workspace,
//! beside the dialogs that wait.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::ChannelKind,
    dialog::{Dialog, HandoffReason},
    ids::{AssistantId, DialogId, UserId, WorkspaceId},
    waiting::{EndedWait, QueueMove},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A dialog that waits for a human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The dialog.
    pub dialog_id: DialogId,
    /// Its assistant.
    pub assistant_id: AssistantId,
    /// What kind of channel it runs through; `None` when the channel was deleted.
    pub channel_kind: Option<ChannelKind>,
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

    /// How many wait, at most `most`, and since when the first does.
    pub async fn summary(self, most: i64) -> Result<(i64, Option<DateTime<Utc>>), StorageError> {
        const SQL: &str = "
            SELECT COUNT(*), MIN(asking_since) FROM (
                SELECT asking_since FROM dialogs
                 WHERE workspace_id = $1 AND control IN ('waiting', 'human')
                   AND control = 'waiting'
                 ORDER BY asking_since, id LIMIT $2
            ) waiting";
        let row = row!(self.tx, (i64, Option<DateTime<Utc>>), SQL;
            self.workspace.into_uuid(), most);
        Ok(row.unwrap_or_default())
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
            SELECT d.id, d.assistant_id, c.kind, d.asking_since, d.handoff_reason FROM dialogs d
              LEFT JOIN channels c ON c.workspace_id = d.workspace_id AND c.id = d.channel_id
                                  AND c.deleted_at IS NULL
             WHERE d.workspace_id = $1 AND d.control IN ('waiting', 'human')
               AND d.control = 'waiting' AND (d.asking_since, d.id) > ($2, $3)
             ORDER BY d.asking_since, d.id LIMIT $4";
        type Found = (Uuid, Uuid, Option<String>, DateTime<Utc>, Option<String>);
        let (at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil().into()));
        let rows =
            rows!(self.tx, Found, SQL; self.workspace.into_uuid(), at, id.into_uuid(), limit);
        let waiter = |(id, assistant, kind, since, reason): Found| {
            let kind = kind.as_deref().map(str::parse).transpose();
            let reason = reason.as_deref().map(str::parse).transpose();
            Ok(Waiter {
                dialog_id: id.into(),
                assistant_id: assistant.into(),
                channel_kind: kind.map_err(StorageError::corrupt("channels"))?,
                since,
                reason: reason.map_err(StorageError::corrupt("dialogs"))?,
            })
        };
        rows.into_iter().map(waiter).collect()
    }
}

/// All waits, for housekeeping.
pub struct SystemWaits<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemWaits<'_> {
    /// Deletes a batch of the waits that ended before a time. Returns how many it deleted.
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("waits", "ended_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}
