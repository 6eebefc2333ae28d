//! The log of one workspace: the `events` table. Written through [`Tx::apply`].
//!
//! What was said is not stored with an event but read from `messages` in the statement that reads
//! the events, so that deleted words are gone from the log as well.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use replyx_core::{
    event::{Event, Recorded},
    ids::{DialogId, MessageId, WorkspaceId},
};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

/// One workspace's log.
pub struct Events<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

/// Events with the words that they quote, of which more is said in a condition.
macro_rules! events {
    ($condition:literal) => {
        concat!(
            "SELECT events.seq, events.payload, events.created_at, messages.text
               FROM events
               LEFT JOIN messages ON messages.workspace_id = events.workspace_id
                                 AND messages.id = events.message_id
              WHERE events.workspace_id = $1 AND ",
            $condition
        )
    };
}

pub(crate) const AFTER: &str = events!("events.seq > $2 ORDER BY events.seq LIMIT $3");
pub(crate) const OF_DIALOG: &str =
    events!("events.dialog_id = $4 AND events.seq > $2 ORDER BY events.seq LIMIT $3");

#[derive(crate::FromRow)]
struct Row {
    seq: i64,
    payload: Json<Event>,
    created_at: DateTime<Utc>,
    text: Option<String>,
}

impl Row {
    fn recorded(self) -> Recorded {
        let Json(event) = self.payload;
        Recorded { seq: self.seq, at: self.created_at, event: event.quoting(self.text) }
    }
}

impl Events<'_> {
    /// The events after number `seq`, oldest first, at most `limit`.
    pub async fn after(self, seq: i64, limit: u32) -> Result<Vec<Recorded>, StorageError> {
        let rows = rows!(self.tx, Row, AFTER; self.workspace.into_uuid(), seq, i64::from(limit));
        Ok(rows.into_iter().map(Row::recorded).collect())
    }

    /// The events of a dialog after number `seq`, oldest first, at most `limit`.
    pub async fn of_dialog(
        self,
        dialog: DialogId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StorageError> {
        let rows = rows!(self.tx, Row, OF_DIALOG;
            self.workspace.into_uuid(), seq, i64::from(limit), dialog.into_uuid());
        Ok(rows.into_iter().map(Row::recorded).collect())
    }

    /// The number of the oldest event that is kept.
    pub async fn first(self) -> Result<Option<i64>, StorageError> {
        const SQL: &str = "SELECT seq FROM events WHERE workspace_id = $1 ORDER BY seq LIMIT 1";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid()))
    }

    /// The number of the newest event; 0 when there is none.
    pub async fn head(self) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT seq FROM event_heads WHERE workspace_id = $1";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid()).unwrap_or_default())
    }
}

/// An event as a row of the table.
#[derive(Serialize)]
struct Added {
    workspace_id: Uuid,
    seq: i64,
    kind: &'static str,
    dialog_id: Option<Uuid>,
    message_id: Option<Uuid>,
    payload: Event,
    created_at: String,
}

impl Added {
    fn row(workspace: WorkspaceId, seq: i64, at: DateTime<Utc>, event: &Event) -> Self {
        Self {
            workspace_id: workspace.into_uuid(),
            seq,
            kind: event.name(),
            dialog_id: event.subject().dialog_id.map(DialogId::into_uuid),
            message_id: event.quotes().map(MessageId::into_uuid),
            payload: event.clone().quoting(None),
            // As every other time that is stored as text.
            created_at: at.to_rfc3339_opts(SecondsFormat::AutoSi, false),
        }
    }
}

/// Numbers the events of a transaction and stores all of them with one statement. Returns the last
/// number of each workspace.
///
/// The counters are raised first, in the order of the workspaces, so that two transactions do not
/// wait for each other's. From then on other transactions with events for these workspaces wait:
/// numbers are given in the order of commits, without gaps.
pub(crate) async fn append(
    tx: &mut Tx,
    recorded: &BTreeMap<WorkspaceId, Vec<(DateTime<Utc>, Event)>>,
) -> Result<Vec<(WorkspaceId, i64)>, StorageError> {
    const HEAD: &str =
        "UPDATE event_heads SET seq = seq + $2 WHERE workspace_id = $1 RETURNING seq";
    const POSTGRES: &str = "
        INSERT INTO events (workspace_id, seq, kind, dialog_id, message_id, payload, created_at)
        SELECT workspace_id, seq, kind, dialog_id, message_id, payload, created_at
          FROM jsonb_to_recordset($1)
            AS added (workspace_id UUID, seq BIGINT, kind TEXT, dialog_id UUID, message_id UUID,
                      payload JSONB, created_at TIMESTAMPTZ)";
    const SQLITE: &str = "
        INSERT INTO events (workspace_id, seq, kind, dialog_id, message_id, payload, created_at)
        SELECT unhex(value ->> '$.workspace_id', '-'), value ->> '$.seq', value ->> '$.kind',
               unhex(value ->> '$.dialog_id', '-'), unhex(value ->> '$.message_id', '-'),
               value -> '$.payload', value ->> '$.created_at'
          FROM json_each($1)";

    let mut heads = Vec::with_capacity(recorded.len());
    let mut rows = Vec::new();
    for (workspace, events) in recorded {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let last = value!(tx, i64, HEAD; workspace.into_uuid(), count)
            .ok_or(StorageError::RowsAffected { table: "event_heads", actual: 0 })?;
        heads.push((*workspace, last));

        let numbered = events.iter().zip(last - count + 1..);
        rows.extend(numbered.map(|((at, event), seq)| Added::row(*workspace, seq, *at, event)));
    }

    if !rows.is_empty() {
        let sql = tx.sql(POSTGRES, SQLITE);
        run!(tx, sql; Json(&rows));
    }
    Ok(heads)
}
