//! Trials: the `ledger_trials` and `trial_marks` tables. A workspace has at most one, and so have a
//! mailbox and a bot: what was marked stays marked when an account or a workspace is deleted.

use chrono::{DateTime, Utc};
use replyx_core::{ids::WorkspaceId, money::Money};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A trial as it is stored. What is left of its answers stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTrial {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The answers that it had; 0: there never was one.
    pub answers: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub ends_at: DateTime<Utc>,
    /// When what was left of it was taken back.
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    answers: i64,
    started_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for StoredTrial {
    fn from(row: Row) -> Self {
        Self {
            workspace_id: row.workspace_id.into(),
            answers: row.answers,
            started_at: row.started_at,
            ends_at: row.ends_at,
            ended_at: row.ended_at,
        }
    }
}

/// One workspace's trial.
pub struct Trials<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Trials<'_> {
    /// Stores a trial. `false`: the workspace has one, or has been refused one.
    pub async fn insert(
        self,
        answers: i64,
        started_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO ledger_trials (workspace_id, answers, started_at, ends_at)
            VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id) DO NOTHING";
        let inserted = run!(self.tx, SQL; self.workspace.into_uuid(), answers, started_at, ends_at);
        Ok(inserted == 1)
    }

    /// Finds the trial.
    pub async fn find(self) -> Result<Option<StoredTrial>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, answers, started_at, ends_at, ended_at
              FROM ledger_trials WHERE workspace_id = $1";
        Ok(row!(self.tx, Row, SQL; self.workspace.into_uuid()).map(Into::into))
    }

    /// Marks something as having had a trial, here. `false`: it was marked before.
    pub async fn mark(
        self,
        kind: &str,
        mark: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO trial_marks (kind, mark, workspace_id, marked_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (kind, mark) DO NOTHING";
        Ok(run!(self.tx, SQL; kind, mark, self.workspace.into_uuid(), at) == 1)
    }

    /// Notes that what was left of the trial was taken back. `false`: it was before.
    pub async fn end(self, at: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE ledger_trials SET ended_at = $2 WHERE workspace_id = $1 AND ended_at IS NULL";
        Ok(run!(self.tx, SQL; self.workspace.into_uuid(), at) == 1)
    }
}

/// All trials.
pub struct SystemTrials<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemTrials<'_> {
    /// Trials whose time is over and of which nothing was taken back, by workspace; at most
    /// `limit`.
    pub async fn over(
        self,
        at: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id FROM ledger_trials WHERE ended_at IS NULL AND ends_at <= $1
             ORDER BY workspace_id LIMIT $2";
        let rows = rows!(self.tx, (Uuid,), SQL; at, i64::from(limit));
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Trials that run, during which models have cost so much or more, by workspace; at most
    /// `limit`. The cost is in US dollars.
    pub async fn costly(
        self,
        at: DateTime<Utc>,
        cost: Money,
        limit: u32,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        const SQL: &str = "
            SELECT t.workspace_id FROM ledger_trials t
             WHERE t.ended_at IS NULL AND t.ends_at > $1 AND t.answers > 0
               AND (SELECT COALESCE(SUM(c.cost), 0) FROM model_calls c
                     WHERE c.workspace_id = t.workspace_id AND c.created_at >= t.started_at) >= $2
             ORDER BY t.workspace_id LIMIT $3";
        let rows = rows!(self.tx, (Uuid,), SQL; at, cost.micros(), i64::from(limit));
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Workspaces that nobody has decided about, with the address of the owner who has been there
    /// longest; at most `limit`.
    pub async fn undecided(
        self,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, Option<String>)>, StorageError> {
        const SQL: &str = "
            SELECT w.id, (SELECT u.email FROM members m JOIN users u ON u.id = m.user_id
                           WHERE m.workspace_id = w.id AND m.role = 'owner'
                           ORDER BY m.created_at, m.user_id LIMIT 1)
              FROM workspaces w
             WHERE NOT EXISTS (SELECT 1 FROM ledger_trials t WHERE t.workspace_id = w.id)
             ORDER BY w.id LIMIT $1";
        let rows = rows!(self.tx, (Uuid, Option<String>), SQL; i64::from(limit));
        Ok(rows.into_iter().map(|(id, email)| (id.into(), email)).collect())
    }
}
