//! What owners have been told of their balance: the `balance_notices` table.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::WorkspaceId,
    ledger::{Balance, BalanceNotice},
};
use uuid::Uuid;

use super::{BalanceRow, StoredTrial};
use crate::{StorageError, Tx};

/// A balance that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Where the ledger stands.
    pub balance: Balance,
    /// The trial.
    pub trial: Option<StoredTrial>,
}

#[derive(crate::FromRow)]
struct Row {
    #[row(flatten)]
    balance: BalanceRow,
    trial_answers: Option<i64>,
    trial_started_at: Option<DateTime<Utc>>,
    trial_ends_at: Option<DateTime<Utc>>,
    trial_ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for Watched {
    fn from(row: Row) -> Self {
        let balance = Balance::from(row.balance);
        let begun = row.trial_answers.zip(row.trial_started_at).zip(row.trial_ends_at);
        let trial = begun.map(|((answers, started_at), ends_at)| StoredTrial {
            workspace_id: balance.workspace_id,
            answers,
            started_at,
            ends_at,
            ended_at: row.trial_ended_at,
        });
        Self { balance, trial }
    }
}

/// What the owners of one workspace have been told.
pub struct BalanceNotices<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl BalanceNotices<'_> {
    /// What they have been told, and nothing has changed since.
    pub async fn list(self) -> Result<Vec<BalanceNotice>, StorageError> {
        const SQL: &str = "SELECT notice FROM balance_notices WHERE workspace_id = $1";
        let rows = rows!(self.tx, (String,), SQL; self.workspace.into_uuid());
        let read = |(notice,): (String,)| notice.parse();
        let notices: Result<_, _> = rows.into_iter().map(read).collect();
        notices.map_err(StorageError::corrupt("balance_notices"))
    }

    /// Notes that they are told. `false`: they have been.
    pub async fn note(
        self,
        notice: BalanceNotice,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO balance_notices (workspace_id, notice, told_at) VALUES ($1, $2, $3)
            ON CONFLICT (workspace_id, notice) DO NOTHING";
        Ok(run!(self.tx, SQL; self.workspace.into_uuid(), notice.as_str(), at) == 1)
    }

    /// Forgets that they were told: the next time they are told again.
    pub async fn forget(self, notice: BalanceNotice) -> Result<(), StorageError> {
        const SQL: &str = "DELETE FROM balance_notices WHERE workspace_id = $1 AND notice = $2";
        run!(self.tx, SQL; self.workspace.into_uuid(), notice.as_str());
        Ok(())
    }
}

/// All balances that are watched.
pub struct SystemBalanceNotices<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemBalanceNotices<'_> {
    /// Balances of workspaces that exist and have had something, by workspace; at most `limit`,
    /// after this one.
    pub async fn watched(
        self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<Watched>, StorageError> {
        const SQL: &str = "
            SELECT b.workspace_id, b.seq, b.trial, b.bonus, b.paid, b.held, b.held_answers,
                   b.changed_at, t.answers AS trial_answers, t.started_at AS trial_started_at,
                   t.ends_at AS trial_ends_at, t.ended_at AS trial_ended_at
              FROM ledger_balances b
              JOIN workspaces w ON w.id = b.workspace_id
              LEFT JOIN ledger_trials t ON t.workspace_id = b.workspace_id
             WHERE b.workspace_id > $1 AND b.seq > 0
             ORDER BY b.workspace_id LIMIT $2";
        let after = after.map_or(Uuid::nil(), WorkspaceId::into_uuid);
        let rows = rows!(self.tx, Row, SQL; after, i64::from(limit));
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// What owners have been told, of the workspaces after one up to another.
    pub async fn between(
        self,
        after: Option<WorkspaceId>,
        last: WorkspaceId,
    ) -> Result<Vec<(WorkspaceId, BalanceNotice)>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, notice FROM balance_notices
             WHERE workspace_id > $1 AND workspace_id <= $2";
        let after = after.map_or(Uuid::nil(), WorkspaceId::into_uuid);
        let rows = rows!(self.tx, (Uuid, String), SQL; after, last.into_uuid());
        let read = |(workspace, notice): (Uuid, String)| {
            let notice = notice.parse().map_err(StorageError::corrupt("balance_notices"))?;
            Ok((workspace.into(), notice))
        };
        rows.into_iter().map(read).collect()
    }
}
