//! Durable background work: the `jobs` table.
//!
//! A job is enqueued in the transaction that makes it necessary, runs at least once, and is deleted when
//! it is done. One that can never succeed stays as `dead`, with the reason.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{JobId, ProcessId, WorkspaceId},
    job,
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A job that this process has taken on.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// Identity.
    pub id: JobId,
    /// What work it is.
    pub kind: String,
    /// What the work needs to know; its form belongs to the kind.
    pub payload: serde_json::Value,
    /// How often the job has been taken on, this time included.
    pub attempts: i64,
}

/// One workspace's jobs.
pub struct Jobs<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Jobs<'_> {
    /// Queues a job, due at once, unless one of this kind with this payload waits already.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn enqueue_once(
        self,
        id: JobId,
        kind: &'static str,
        payload: &serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const WAITING: &str = "
            SELECT id FROM jobs
             WHERE workspace_id = $1 AND kind = $2 AND payload = $3 AND status = 'queued' LIMIT 1";
        let waiting = value!(self.tx, Uuid, WAITING;
            self.workspace.into_uuid(), kind, Json(payload));
        if waiting.is_some() {
            return Ok(());
        }
        self.enqueue(id, kind, payload, now).await
    }

    /// Queues a job, due at once.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn enqueue(
        self,
        id: JobId,
        kind: &'static str,
        payload: &serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO jobs (id, workspace_id, kind, payload, status, heavy, due_at, created_at)
            VALUES ($1, $2, $3, $4, 'queued', $5, $6, $6)";
        run!(self.tx, SQL;
            id.into_uuid(), self.workspace.into_uuid(), kind, Json(payload), job::is_heavy(kind), now);
        self.tx.done.jobs = true;
        Ok(())
    }
}

/// All jobs.
pub struct SystemJobs<'t> {
    pub(crate) tx: &'t mut Tx,
}

macro_rules! due {
    () => {
        "SELECT id FROM jobs WHERE status = 'queued' AND due_at <= $2 AND heavy = $4 ORDER BY due_at LIMIT $3"
    };
}

macro_rules! claim {
    ($due:expr) => {
        // Materialized: PostgreSQL may run a mere subquery once per row, each time locking others.
        concat!(
            "WITH due AS MATERIALIZED (",
            $due,
            ") UPDATE jobs SET status = 'running', claimed_by = $1, attempts = attempts + 1
                WHERE id IN (SELECT id FROM due)
               RETURNING id, kind, payload, attempts"
        )
    };
}

impl SystemJobs<'_> {
    /// Queues a job that belongs to no workspace, due at once.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn enqueue(
        self,
        id: JobId,
        kind: &'static str,
        payload: &serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO jobs (id, kind, payload, status, heavy, due_at, created_at)
            VALUES ($1, $2, $3, 'queued', $4, $5, $5)";
        run!(self.tx, SQL; id.into_uuid(), kind, Json(payload), job::is_heavy(kind), now);
        self.tx.done.jobs = true;
        Ok(())
    }

    /// Takes on up to `limit` heavy or light jobs that are due. Each goes to one process.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn claim(
        self,
        by: ProcessId,
        now: DateTime<Utc>,
        heavy: bool,
        limit: u32,
    ) -> Result<Vec<ClaimedJob>, StorageError> {
        let sql = self.tx.sql(claim!(concat!(due!(), " FOR UPDATE SKIP LOCKED")), claim!(due!()));
        let rows = rows!(self.tx, (Uuid, String, Json<serde_json::Value>, i64), sql;
            by.into_uuid(), now, i64::from(limit), heavy);
        Ok(rows
            .into_iter()
            .map(|(id, kind, Json(payload), attempts)| ClaimedJob {
                id: id.into(),
                kind,
                payload,
                attempts,
            })
            .collect())
    }

    /// Is any heavy or light job due?
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn any_due(self, now: DateTime<Utc>, heavy: bool) -> Result<bool, StorageError> {
        const SQL: &str =
            "SELECT id FROM jobs WHERE status = 'queued' AND due_at <= $1 AND heavy = $2 LIMIT 1";
        Ok(value!(self.tx, Uuid, SQL; now, heavy).is_some())
    }

    /// Ends a job of ours that is done.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn finish(self, id: JobId, by: ProcessId) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM jobs WHERE id = $1 AND claimed_by = $2";
            id.into_uuid(), by.into_uuid());
        Ok(())
    }

    /// Hands a failed job of ours back, to be tried again at `due`; never again without one.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn fail(
        self,
        id: JobId,
        by: ProcessId,
        error: &str,
        due: Option<DateTime<Utc>>,
    ) -> Result<(), StorageError> {
        const AGAIN: &str = "
            UPDATE jobs SET status = 'queued', claimed_by = NULL, error = $3, due_at = $4
             WHERE id = $1 AND claimed_by = $2";
        const NEVER: &str = "
            UPDATE jobs SET status = 'dead', claimed_by = NULL, error = $3
             WHERE id = $1 AND claimed_by = $2";
        if let Some(due) = due {
            run!(self.tx, AGAIN; id.into_uuid(), by.into_uuid(), error, due);
        } else {
            run!(self.tx, NEVER; id.into_uuid(), by.into_uuid(), error);
        }
        Ok(())
    }

    /// Hands a job of ours back that was interrupted, to be run at `due`: this attempt does not count.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn hand_back(
        self,
        id: JobId,
        by: ProcessId,
        due: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE jobs SET status = 'queued', claimed_by = NULL, due_at = $3, attempts = attempts - 1
             WHERE id = $1 AND claimed_by = $2";
        run!(self.tx, SQL; id.into_uuid(), by.into_uuid(), due);
        Ok(())
    }

    /// How many jobs of a kind wait, run, or are dead.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn count(self, kind: &str) -> Result<i64, StorageError> {
        Ok(value!(self.tx, i64, "SELECT COUNT(*) FROM jobs WHERE kind = $1"; kind)
            .unwrap_or_default())
    }
}
