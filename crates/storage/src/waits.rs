//! Who waits for a human, and how long those before them did: the `waits` table of one workspace,
//! beside the dialogs that wait.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::ChannelKind,
    dialog::{Dialog, HandoffReason},
    ids::{AssistantId, DialogId, UserId, WorkspaceId},
    waiting::{EndedWait, QueueMove, WaitNotice},
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

/// A wait of which nobody has decided when the customer is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnplannedWait {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The dialog that waits.
    pub dialog_id: DialogId,
    /// The dialog's epoch when the wait began.
    pub epoch: i64,
    /// The dialog's assistant.
    pub assistant_id: AssistantId,
    /// When the wait began.
    pub began_at: DateTime<Utc>,
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

    /// Decides when the customer is told of a wait; `None`: never. One that was decided stays.
    pub async fn plan(
        self,
        wait: &UnplannedWait,
        due: Option<DateTime<Utc>>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE waits SET notice = $4, notice_at = $5
             WHERE workspace_id = $1 AND dialog_id = $2 AND epoch = $3 AND notice = 'unplanned'";
        let notice = if due.is_some() { WaitNotice::Planned } else { WaitNotice::None };
        run!(self.tx, SQL;
            self.workspace.into_uuid(), wait.dialog_id.into_uuid(), wait.epoch, notice.as_str(),
            due);
        Ok(())
    }

    /// Is the customer of a dialog to be told by now that the wait goes on?
    pub async fn is_due(self, dialog: DialogId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT epoch FROM waits
             WHERE workspace_id = $1 AND dialog_id = $2 AND ended_at IS NULL
               AND notice = 'planned' AND notice_at <= $3";
        let due = value!(self.tx, i64, SQL; self.workspace.into_uuid(), dialog.into_uuid(), now);
        Ok(due.is_some())
    }

    /// Notes what became of a notice that was planned for the wait that goes on.
    pub async fn end_notice(
        self,
        dialog: DialogId,
        as_what: WaitNotice,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE waits SET notice = $3
             WHERE workspace_id = $1 AND dialog_id = $2 AND ended_at IS NULL
               AND notice = 'planned'";
        let ended = run!(self.tx, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), as_what.as_str());
        StorageError::expect_one_row("waits", ended)
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
    /// Waits of which nobody has decided when the customer is told, the oldest first.
    pub async fn unplanned(self, limit: u32) -> Result<Vec<UnplannedWait>, StorageError> {
        const SQL: &str = "
            SELECT w.workspace_id, w.dialog_id, w.epoch, d.assistant_id, w.began_at
              FROM waits w
              JOIN dialogs d ON d.workspace_id = w.workspace_id AND d.id = w.dialog_id
             WHERE w.notice = 'unplanned' AND w.ended_at IS NULL
             ORDER BY w.began_at LIMIT $1";
        type Found = (Uuid, Uuid, i64, Uuid, DateTime<Utc>);
        let rows = rows!(self.tx, Found, SQL; i64::from(limit));
        let wait = |(workspace, dialog, epoch, assistant, began_at): Found| UnplannedWait {
            workspace_id: workspace.into(),
            dialog_id: dialog.into(),
            epoch,
            assistant_id: assistant.into(),
            began_at,
        };
        Ok(rows.into_iter().map(wait).collect())
    }

    /// Dialogs whose customers are to be told by now that the wait goes on, the longest due first.
    /// Those of suspended workspaces and of paused assistants are told later.
    pub async fn due(
        self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DialogId)>, StorageError> {
        const SQL: &str = "
            SELECT w.workspace_id, w.dialog_id
              FROM waits w
              JOIN dialogs d ON d.workspace_id = w.workspace_id AND d.id = w.dialog_id
             WHERE w.notice = 'planned' AND w.ended_at IS NULL AND w.notice_at <= $1
               AND d.control = 'waiting'
               AND NOT EXISTS (SELECT 1 FROM workspaces s
                                WHERE s.id = w.workspace_id AND s.suspended_at IS NOT NULL)
               AND NOT EXISTS (SELECT 1 FROM assistant_pauses p
                                WHERE p.workspace_id = w.workspace_id
                                  AND p.assistant_id = d.assistant_id)
             ORDER BY w.notice_at LIMIT $2";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; now, i64::from(limit));
        Ok(rows.into_iter().map(|(workspace, dialog)| (workspace.into(), dialog.into())).collect())
    }

    /// Deletes a batch of the waits that ended before a time. Returns how many it deleted.
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("waits", "ended_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}
