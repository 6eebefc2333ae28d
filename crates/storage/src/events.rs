//! The log of one workspace: the `events` table. Written through [`Tx::record`].
//!
//! What was said is not stored with an event but read from `messages` in the statement that reads
//! the events, so that deleted words are gone from the log as well.

use chrono::{DateTime, Utc};
use replyx_core::{
    event::{Event, Recorded},
    ids::{DialogId, MessageId, WorkspaceId},
};
use sqlx::types::Json;

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

#[derive(sqlx::FromRow)]
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

/// Numbers and stores events, and returns the last number.
pub(crate) async fn append(
    tx: &mut Tx,
    workspace: WorkspaceId,
    recorded: &[(DateTime<Utc>, Event)],
) -> Result<i64, StorageError> {
    const HEAD: &str =
        "UPDATE event_heads SET seq = seq + $2 WHERE workspace_id = $1 RETURNING seq";
    const EVENT: &str = "
        INSERT INTO events (workspace_id, seq, kind, dialog_id, message_id, payload, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let count = i64::try_from(recorded.len()).unwrap_or(i64::MAX);
    let last = value!(tx, i64, HEAD; workspace.into_uuid(), count)
        .ok_or(StorageError::RowsAffected { table: "event_heads", actual: 0 })?;
    for ((at, event), seq) in recorded.iter().zip(last - count + 1..) {
        let dialog = event.subject().dialog_id.map(DialogId::into_uuid);
        let quoted = event.quotes().map(MessageId::into_uuid);
        let bare = event.clone().quoting(None);
        run!(tx, EVENT;
            workspace.into_uuid(), seq, event.name(), dialog, quoted, Json(bare), at);
    }
    Ok(last)
}
