//! What was promised to customers, and how it stands: the tables `sla_policies`, `dialog_slas`
//! and `sla_pauses`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, DialogId, WorkspaceId},
    rules::sla::AssistantSla,
    sla::{Awaited, DialogSla, RunningSla, SlaPause, SlaPolicy},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

#[derive(crate::FromRow)]
struct Row {
    read_seq: i64,
    awaited: Option<String>,
    since: Option<DateTime<Utc>>,
    target_s: Option<i64>,
    risk_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    status: Option<String>,
}

/// One workspace's promises.
pub struct Slas<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Slas<'_> {
    /// What is promised to the customers of an assistant.
    pub async fn policy(self, assistant: AssistantId) -> Result<SlaPolicy, StorageError> {
        const SQL: &str = "
            SELECT first_reply_s, next_reply_s FROM sla_policies
             WHERE workspace_id = $1 AND assistant_id = $2";
        let row = row!(self.tx, (Option<i64>, Option<i64>), SQL;
            self.workspace.into_uuid(), assistant.into_uuid());
        let (first, next) = row.unwrap_or_default();
        Ok(SlaPolicy { first_reply: first.and_then(seconds), next_reply: next.and_then(seconds) })
    }

    /// Stores what is promised. Where nothing is any more, the clocks of the assistant end.
    pub(crate) async fn set(self, sla: &AssistantSla) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO sla_policies (workspace_id, assistant_id, first_reply_s, next_reply_s)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, assistant_id) DO UPDATE
               SET first_reply_s = excluded.first_reply_s, next_reply_s = excluded.next_reply_s";
        const GONE: &str = "DELETE FROM sla_policies WHERE workspace_id = $1 AND assistant_id = $2";
        const CLOCKS: &str = "
            DELETE FROM dialog_slas
             WHERE workspace_id = $1
               AND dialog_id IN (SELECT id FROM dialogs WHERE workspace_id = $1 AND assistant_id = $2)";
        const PAUSES: &str = "
            DELETE FROM sla_pauses
             WHERE workspace_id = $1
               AND dialog_id IN (SELECT id FROM dialogs WHERE workspace_id = $1 AND assistant_id = $2)";
        let workspace = self.workspace.into_uuid();
        let assistant = sla.assistant_id.into_uuid();
        let SlaPolicy { first_reply, next_reply } = sla.policy;
        run!(self.tx, SQL; workspace, assistant, first_reply.map(whole), next_reply.map(whole));
        if sla.policy.is_empty() {
            run!(self.tx, GONE; workspace, assistant);
            run!(self.tx, CLOCKS; workspace, assistant);
            run!(self.tx, PAUSES; workspace, assistant);
        }
        Ok(())
    }

    /// How the promises stand in a dialog, if somebody looked.
    pub async fn find(self, dialog: DialogId) -> Result<Option<DialogSla>, StorageError> {
        const SQL: &str = "
            SELECT read_seq, awaited, since, target_s, risk_at, due_at, status FROM dialog_slas
             WHERE workspace_id = $1 AND dialog_id = $2";
        let Self { tx, workspace } = self;
        let row = row!(tx, Row, SQL; workspace.into_uuid(), dialog.into_uuid());
        row.map(|row| read(row, workspace, dialog)).transpose()
    }

    /// Stores how the promises stand in a dialog.
    pub(crate) async fn save(self, sla: &DialogSla) -> Result<(), StorageError> {
        debug_assert_eq!(sla.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = "
            INSERT INTO dialog_slas (workspace_id, dialog_id, read_seq, awaited, since, target_s,
                                     risk_at, due_at, status)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (workspace_id, dialog_id) DO UPDATE
               SET read_seq = excluded.read_seq, awaited = excluded.awaited, since = excluded.since,
                   target_s = excluded.target_s, risk_at = excluded.risk_at,
                   due_at = excluded.due_at, status = excluded.status";
        let running = sla.running.as_ref();
        run!(self.tx, SQL;
            self.workspace.into_uuid(), sla.dialog_id.into_uuid(), sla.read_seq,
            running.map(|running| running.awaited.as_str()), running.map(|running| running.since),
            running.map(|running| whole(running.target)),
            running.and_then(|running| running.risk_at), running.and_then(|running| running.due_at),
            running.map(|running| running.status.as_str()));

        // A clock that begins later has begun after them.
        if running.is_none() {
            const PAUSES: &str =
                "DELETE FROM sla_pauses WHERE workspace_id = $1 AND dialog_id = $2";
            run!(self.tx, PAUSES; self.workspace.into_uuid(), sla.dialog_id.into_uuid());
        }
        Ok(())
    }

    /// When clocks stand still in a dialog: in the order in which it was snoozed, the snooze of
    /// today last.
    pub async fn pauses(self, dialog: DialogId) -> Result<Vec<SlaPause>, StorageError> {
        const SQL: &str = "
            SELECT from_at, to_at FROM sla_pauses WHERE workspace_id = $1 AND dialog_id = $2
             UNION ALL
            SELECT created_at, until_at FROM snoozes WHERE workspace_id = $1 AND dialog_id = $2
             ORDER BY 1";
        let rows = rows!(self.tx, (DateTime<Utc>, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), dialog.into_uuid());
        Ok(rows.into_iter().map(|(from, to)| SlaPause { from, to }).collect())
    }

    /// Notes that the snooze of a dialog ends, if it has one where replies are promised.
    /// Its clock is looked at again.
    pub(crate) async fn pause(
        self,
        dialog: DialogId,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const KEEP: &str = "
            INSERT INTO sla_pauses (workspace_id, dialog_id, from_at, to_at)
            SELECT z.workspace_id, z.dialog_id, z.created_at,
                   CASE WHEN z.until_at < $3 THEN z.until_at ELSE $3 END
              FROM snoozes z
              JOIN dialogs d ON d.workspace_id = z.workspace_id AND d.id = z.dialog_id
              JOIN sla_policies p ON p.workspace_id = d.workspace_id
                                 AND p.assistant_id = d.assistant_id
             WHERE z.workspace_id = $1 AND z.dialog_id = $2
                ON CONFLICT (workspace_id, dialog_id, from_at) DO NOTHING";
        const AGAIN: &str = "
            UPDATE dialog_slas SET read_seq = 0
             WHERE workspace_id = $1 AND dialog_id = $2 AND awaited IS NOT NULL";
        let workspace = self.workspace.into_uuid();
        run!(self.tx, KEEP; workspace, dialog.into_uuid(), at);
        run!(self.tx, AGAIN; workspace, dialog.into_uuid());
        Ok(())
    }
}

/// All promises.
pub struct SystemSlas<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemSlas<'_> {
    /// Dialogs in which something was said since their clock was looked at, and somebody may be
    /// owed a reply: people look after them, or a clock runs.
    pub async fn behind(self, limit: u32) -> Result<Vec<(WorkspaceId, DialogId)>, StorageError> {
        const SQL: &str = "
            SELECT d.workspace_id, d.id
              FROM sla_policies p
              JOIN dialogs d ON d.workspace_id = p.workspace_id AND d.assistant_id = p.assistant_id
              LEFT JOIN dialog_slas s ON s.workspace_id = d.workspace_id AND s.dialog_id = d.id
             WHERE d.control IN ('waiting', 'human') AND d.last_seq > COALESCE(s.read_seq, 0)
             UNION
            SELECT s.workspace_id, s.dialog_id
              FROM dialog_slas s
              JOIN dialogs d ON d.workspace_id = s.workspace_id AND d.id = s.dialog_id
             WHERE s.awaited IS NOT NULL AND d.last_seq > s.read_seq
             LIMIT $1";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; i64::from(limit));
        Ok(ids(rows))
    }

    /// Dialogs whose promise comes to be at risk or broken by this moment.
    pub async fn due(
        self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DialogId)>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, dialog_id FROM dialog_slas
             WHERE status = 'running' AND risk_at <= $1
             UNION
            SELECT workspace_id, dialog_id FROM dialog_slas
             WHERE status IN ('running', 'at_risk') AND due_at <= $1
             LIMIT $2";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; now, i64::from(limit));
        Ok(ids(rows))
    }
}

fn ids(rows: Vec<(Uuid, Uuid)>) -> Vec<(WorkspaceId, DialogId)> {
    rows.into_iter().map(|(workspace, dialog)| (workspace.into(), dialog.into())).collect()
}

fn seconds(stored: i64) -> Option<Duration> {
    u64::try_from(stored).ok().map(Duration::from_secs)
}

fn whole(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn read(row: Row, workspace: WorkspaceId, dialog: DialogId) -> Result<DialogSla, StorageError> {
    let corrupt = || StorageError::corrupt("dialog_slas");
    let running = match (row.awaited, row.since, row.target_s, row.status) {
        (Some(awaited), Some(since), Some(target), Some(status)) => Some(RunningSla {
            awaited: awaited.parse::<Awaited>().map_err(corrupt())?,
            since,
            target: seconds(target).unwrap_or_default(),
            risk_at: row.risk_at,
            due_at: row.due_at,
            status: status.parse().map_err(corrupt())?,
        }),
        _ => None,
    };
    Ok(DialogSla { workspace_id: workspace, dialog_id: dialog, read_seq: row.read_seq, running })
}
