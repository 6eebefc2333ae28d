//! Jobs as platform admins see them: listed, tried again, given up.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{JobId, WorkspaceId},
    page::{Page, PageRequest},
};
use uuid::Uuid;

use super::SystemJobs;
use crate::StorageError;

/// More attempts than any kind has: whoever claims such a job gives it up.
const NO_MORE: i64 = 1_000_000;

macro_rules! columns {
    () => {
        "id, workspace_id, kind, lane, status, attempts, due_at, error, created_at"
    };
}

/// A job without what it works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenJob {
    /// Identity.
    pub id: JobId,
    /// Whose it is; of nobody if it is the installation's.
    pub workspace: Option<WorkspaceId>,
    /// What work it is.
    pub kind: String,
    /// Which workers run it.
    pub lane: String,
    /// `queued`, `running` or `dead`.
    pub status: String,
    /// How often it was taken on.
    pub attempts: i64,
    /// When it is, or was, due.
    pub due_at: DateTime<Utc>,
    /// Why it failed last.
    pub error: Option<String>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
}

/// Which jobs; those of every kind, status and workspace where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only those of this status.
    pub status: Option<String>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those of this workspace.
    pub workspace: Option<WorkspaceId>,
}

#[derive(crate::FromRow)]
struct Row {
    id: Uuid,
    workspace_id: Option<Uuid>,
    kind: String,
    lane: String,
    status: String,
    attempts: i64,
    due_at: DateTime<Utc>,
    error: Option<String>,
    created_at: DateTime<Utc>,
}

fn read(row: Row) -> SeenJob {
    SeenJob {
        id: row.id.into(),
        workspace: row.workspace_id.map(Into::into),
        kind: row.kind,
        lane: row.lane,
        status: row.status,
        attempts: row.attempts,
        due_at: row.due_at,
        error: row.error,
        created_at: row.created_at,
    }
}

impl SystemJobs<'_> {
    /// Lists jobs, the newest first.
    pub async fn list(
        self,
        filter: &JobFilter,
        page: PageRequest<JobId>,
    ) -> Result<Page<SeenJob, JobId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM jobs
              WHERE id < $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR kind = $3)
                AND ($4 IS NULL OR workspace_id = $4)
              ORDER BY id DESC LIMIT $5"
        );
        let before = page.after.map_or(Uuid::max(), JobId::into_uuid);
        let workspace = filter.workspace.map(WorkspaceId::into_uuid);
        let found = rows!(self.tx, Row, SQL;
            before, &filter.status, &filter.kind, workspace, i64::from(page.limit) + 1);
        let jobs = found.into_iter().map(read).collect();
        Ok(Page::of(jobs, page.limit, |job: &SeenJob| job.id))
    }

    /// Finds a job and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: JobId) -> Result<Option<SeenJob>, StorageError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1");
        const LOCK: &str =
            concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1 FOR NO KEY UPDATE");
        let sql = self.tx.sql(LOCK, FIND);
        Ok(row!(self.tx, Row, sql; id.into_uuid()).map(read))
    }

    /// Lets a job that waits or is dead run at once, with all its attempts.
    pub async fn run_again(self, id: JobId, now: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE jobs SET status = 'queued', attempts = 0, due_at = $2
             WHERE id = $1 AND status IN ('queued', 'dead')";
        let changed = run!(self.tx, SQL; id.into_uuid(), now);
        self.tx.done.jobs |= changed == 1;
        Ok(())
    }

    /// Ends a job that waits: the next worker gives it up, which ends what waits for it, too. One
    /// that is dead was given up before, and is forgotten.
    pub async fn end(self, id: JobId, now: DateTime<Utc>) -> Result<(), StorageError> {
        const END: &str = "
            UPDATE jobs SET attempts = $3, due_at = $2
             WHERE id = $1 AND status = 'queued' AND lane <> 'scheduled'";
        run!(self.tx, "DELETE FROM jobs WHERE id = $1 AND status = 'dead'"; id.into_uuid());
        let changed = run!(self.tx, END; id.into_uuid(), now, NO_MORE);
        self.tx.done.jobs |= changed == 1;
        Ok(())
    }
}
