//! Durable background work: the `jobs` table.
//!
//! A job is enqueued in the transaction that makes it necessary, runs at least once, and is deleted
//! when it is done. One that can never succeed stays as `dead`, with the reason. One that runs by
//! the clock has one row for its kind, which stays.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{JobId, ProcessId, WorkspaceId},
    job::{Kind, Lane},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx, fair::Places};

mod seen;

pub use seen::{JobFilter, SeenJob};

/// The jobs that belong to nobody take turns together.
const NOBODY: Uuid = Uuid::nil();

/// A job that this process has taken on.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// Identity.
    pub id: JobId,
    /// Whose turn it was: [`crate::fair::Round::after`] is told of it.
    pub share: Uuid,
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
    pub async fn enqueue_once(
        self,
        id: JobId,
        kind: Kind,
        payload: &serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const WAITING: &str = "
            SELECT id FROM jobs
             WHERE workspace_id = $1 AND kind = $2 AND payload = $3 AND status = 'queued' LIMIT 1";
        let waiting = value!(self.tx, Uuid, WAITING;
            self.workspace.into_uuid(), kind.name, Json(payload));
        if waiting.is_some() {
            return Ok(());
        }
        self.enqueue(id, kind, payload, now).await
    }

    /// Queues a job, due at once.
    pub async fn enqueue(
        self,
        id: JobId,
        kind: Kind,
        payload: &serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO jobs (id, workspace_id, share, kind, payload, status, lane, due_at, created_at)
            VALUES ($1, $2, $2, $3, $4, 'queued', $5, $6, $6)";
        run!(self.tx, SQL;
            id.into_uuid(), self.workspace.into_uuid(), kind.name, Json(payload), kind.lane.as_str(),
            now);
        self.tx.done.jobs = true;
        Ok(())
    }

    /// How many jobs of a kind wait, counted up to `most`.
    pub async fn waiting(self, kind: Kind, most: i64) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM (
                SELECT id FROM jobs WHERE workspace_id = $1 AND kind = $2 AND status = 'queued' LIMIT $3
            ) waiting";
        let count = value!(self.tx, i64, SQL; self.workspace.into_uuid(), kind.name, most);
        Ok(count.unwrap_or_default())
    }
}

/// All jobs.
pub struct SystemJobs<'t> {
    pub(crate) tx: &'t mut Tx,
}

macro_rules! claim {
    ($home:ident) => {
        concat!(
            due!(
                $home,
                "jobs",
                "share",
                "id",
                "status = 'queued' AND lane = $6",
                "status = 'running' AND lane = $6"
            ),
            "UPDATE jobs SET status = 'running', claimed_by = $1, attempts = attempts + 1
              WHERE id IN (SELECT id FROM due)
             RETURNING id, share, kind, payload, attempts"
        )
    };
}

/// Takes on jobs, for each database.
pub(crate) const CLAIM: [&str; 2] = [claim!(postgres), claim!(sqlite)];

impl SystemJobs<'_> {
    /// Queues a job that belongs to no workspace, due at once. It takes turns with the jobs of the
    /// workspace that is the reason for it, if one is, and with those of nobody otherwise.
    pub async fn enqueue(
        self,
        id: JobId,
        kind: Kind,
        payload: &serde_json::Value,
        reason: Option<WorkspaceId>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO jobs (id, share, kind, payload, status, lane, due_at, created_at)
            VALUES ($1, $2, $3, $4, 'queued', $5, $6, $6)";
        let share = reason.map_or(NOBODY, WorkspaceId::into_uuid);
        run!(self.tx, SQL;
            id.into_uuid(), share, kind.name, Json(payload), kind.lane.as_str(), now);
        self.tx.done.jobs = true;
        Ok(())
    }

    /// Takes on jobs of a lane that are due, in turns (see [`crate::fair`]). Each goes to one
    /// process. Those of a suspended workspace wait until it is resumed.
    pub async fn claim(
        self,
        by: ProcessId,
        now: DateTime<Utc>,
        lane: Lane,
        places: Places,
    ) -> Result<Vec<ClaimedJob>, StorageError> {
        let sql = self.tx.sql(CLAIM[0], CLAIM[1]);
        let rows = rows!(self.tx, (Uuid, Uuid, String, Json<serde_json::Value>, i64), sql;
            by.into_uuid(), now, i64::from(places.free), i64::from(places.each),
            places.round.last(), lane.as_str());
        Ok(rows
            .into_iter()
            .map(|(id, share, kind, Json(payload), attempts)| ClaimedJob {
                id: id.into(),
                share,
                kind,
                payload,
                attempts,
            })
            .collect())
    }

    /// Is any job of a lane due?
    pub async fn any_due(self, now: DateTime<Utc>, lane: Lane) -> Result<bool, StorageError> {
        const SQL: &str =
            "SELECT id FROM jobs
              WHERE status = 'queued' AND due_at <= $1 AND lane = $2
                AND share NOT IN (SELECT id FROM workspaces WHERE suspended_at IS NOT NULL) LIMIT 1";
        Ok(value!(self.tx, Uuid, SQL; now, lane.as_str()).is_some())
    }

    /// Is a job of a lane due that belongs to another share?
    pub async fn others_wait(
        self,
        now: DateTime<Utc>,
        lane: Lane,
        share: Uuid,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT id FROM jobs
             WHERE status = 'queued' AND due_at <= $1 AND lane = $2 AND share <> $3
                AND share NOT IN (SELECT id FROM workspaces WHERE suspended_at IS NOT NULL) LIMIT 1";
        Ok(value!(self.tx, Uuid, SQL; now, lane.as_str(), share).is_some())
    }

    /// Finishes a job that this process has claimed.
    pub async fn finish(self, id: JobId, by: ProcessId) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM jobs WHERE id = $1 AND claimed_by = $2";
            id.into_uuid(), by.into_uuid());
        Ok(())
    }

    /// Hands back a failed job of this process, to be tried again at `due`; never again without
    /// one.
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

    /// Forgets dead jobs that were due last before `cutoff`, a batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget_dead(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("jobs", "status = 'dead' AND due_at < $1");
        Ok(delete_batch!(self.tx, SQL; cutoff))
    }

    /// Hands back an interrupted job of this process, to be run at `due`: this attempt does not
    /// count.
    pub async fn hand_back(
        self,
        id: JobId,
        by: ProcessId,
        due: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE jobs SET status = 'queued', claimed_by = NULL, due_at = $3, attempts = attempts - 1
             WHERE id = $1 AND claimed_by = $2";
        let changed = run!(self.tx, SQL; id.into_uuid(), by.into_uuid(), due);
        self.tx.done.jobs |= changed == 1;
        Ok(())
    }

    /// Makes sure that a job that runs by the clock has its row, and that it is due at once unless
    /// it runs. There is one row for each such kind, however many processes say so.
    pub async fn schedule(
        self,
        id: JobId,
        kind: Kind,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO jobs (id, share, kind, payload, status, lane, due_at, created_at)
            VALUES ($1, $2, $3, $4, 'queued', $5, $6, $6)
            ON CONFLICT (kind) WHERE lane = 'scheduled'
            DO UPDATE SET due_at = excluded.due_at
             WHERE jobs.status = 'queued' AND jobs.due_at > excluded.due_at";
        debug_assert_eq!(kind.lane, Lane::Scheduled, "nobody else has one row");
        let nothing = serde_json::json!({});
        run!(self.tx, SQL;
            id.into_uuid(), NOBODY, kind.name, Json(&nothing), kind.lane.as_str(), now);
        self.tx.done.jobs = true;
        Ok(())
    }

    /// Lets a job that runs by the clock run at once, if it waits.
    pub async fn hasten(self, kind: Kind, now: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE jobs SET due_at = $3
             WHERE kind = $1 AND lane = $2 AND status = 'queued' AND due_at > $3";
        let changed = run!(self.tx, SQL; kind.name, kind.lane.as_str(), now);
        self.tx.done.jobs |= changed == 1;
        Ok(())
    }

    /// Ends a run of this process's job that runs by the clock: it is due again at `due`, with all
    /// its attempts. `error` says why the run failed, if it did.
    pub async fn reschedule(
        self,
        id: JobId,
        by: ProcessId,
        error: Option<&str>,
        due: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE jobs SET status = 'queued', claimed_by = NULL, attempts = 0, error = $3, due_at = $4
             WHERE id = $1 AND claimed_by = $2";
        run!(self.tx, SQL; id.into_uuid(), by.into_uuid(), error, due);
        Ok(())
    }

    /// How many jobs of a kind wait, run, or are dead.
    pub async fn count(self, kind: Kind) -> Result<i64, StorageError> {
        Ok(value!(self.tx, i64, "SELECT COUNT(*) FROM jobs WHERE kind = $1"; kind.name)
            .unwrap_or_default())
    }
}
