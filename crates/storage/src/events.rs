//! The log of one workspace: the `events` table. Written through [`Tx::record`].

use chrono::{DateTime, Utc};
use replyx_core::{
    event::{Event, Recorded},
    ids::WorkspaceId,
};
use sqlx::types::Json;

use crate::{StorageError, Tx};

/// One workspace's log.
pub struct Events<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Events<'_> {
    /// The events after number `seq`, oldest first, at most `limit`.
    pub async fn after(self, seq: i64, limit: u32) -> Result<Vec<Recorded>, StorageError> {
        const SQL: &str = "
            SELECT seq, payload, created_at FROM events
             WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let rows = rows!(self.tx, (i64, Json<Event>, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), seq, i64::from(limit));
        Ok(rows.into_iter().map(|(seq, Json(event), at)| Recorded { seq, at, event }).collect())
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
    const EVENT: &str =
        "INSERT INTO events (workspace_id, seq, payload, created_at) VALUES ($1, $2, $3, $4)";
    let count = i64::try_from(recorded.len()).unwrap_or(i64::MAX);
    let last = value!(tx, i64, HEAD; workspace.into_uuid(), count)
        .ok_or(StorageError::RowsAffected { table: "event_heads", actual: 0 })?;
    for ((at, event), seq) in recorded.iter().zip(last - count + 1..) {
        run!(tx, EVENT; workspace.into_uuid(), seq, Json(event), at);
    }
    Ok(last)
}
