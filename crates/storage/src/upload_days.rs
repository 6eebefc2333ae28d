//! How many bytes a workspace has uploaded, and fetched from the web, on a day: the `upload_days`
//! table, one row per workspace.

use chrono::NaiveDate;
use replyx_core::ids::WorkspaceId;

use crate::{StorageError, Tx};

/// One workspace's counts.
pub struct UploadDays<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl UploadDays<'_> {
    /// The bytes that were uploaded on this day.
    pub async fn bytes(self, day: NaiveDate) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT bytes FROM upload_days WHERE workspace_id = $1 AND day = $2";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid(), day.to_string())
            .unwrap_or_default())
    }

    /// Counts an upload, and returns the bytes of this day with it. Others of the workspace who
    /// count wait until the transaction ends.
    pub async fn add(self, day: NaiveDate, bytes: i64) -> Result<i64, StorageError> {
        const SQL: &str = "
            INSERT INTO upload_days (workspace_id, day, bytes) VALUES ($1, $2, $3)
            ON CONFLICT (workspace_id) DO UPDATE
               SET bytes = excluded.bytes
                           + CASE WHEN upload_days.day = excluded.day THEN upload_days.bytes ELSE 0 END,
                   fetched = CASE WHEN upload_days.day = excluded.day THEN upload_days.fetched ELSE 0 END,
                   day = excluded.day
            RETURNING bytes";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid(), day.to_string(), bytes)
            .unwrap_or(bytes))
    }

    /// The bytes that were fetched on this day.
    pub async fn fetched(self, day: NaiveDate) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT fetched FROM upload_days WHERE workspace_id = $1 AND day = $2";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid(), day.to_string())
            .unwrap_or_default())
    }

    /// Counts what was fetched, and returns the bytes of this day with it.
    pub async fn add_fetched(self, day: NaiveDate, bytes: i64) -> Result<i64, StorageError> {
        const SQL: &str = "
            INSERT INTO upload_days (workspace_id, day, bytes, fetched) VALUES ($1, $2, 0, $3)
            ON CONFLICT (workspace_id) DO UPDATE
               SET bytes = CASE WHEN upload_days.day = excluded.day THEN upload_days.bytes ELSE 0 END,
                   fetched = excluded.fetched
                             + CASE WHEN upload_days.day = excluded.day THEN upload_days.fetched ELSE 0 END,
                   day = excluded.day
            RETURNING fetched";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid(), day.to_string(), bytes)
            .unwrap_or(bytes))
    }
}
