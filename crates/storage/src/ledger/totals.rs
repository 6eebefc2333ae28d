//! The whole ledger: what is sealed and summed in the background, and what is looked at to prove
//! it.

use chrono::{DateTime, NaiveDate, Utc};
use replyx_core::{
    ids::WorkspaceId,
    ledger::{Account, Balance, Entry},
    money::Money,
};
use uuid::Uuid;

use super::{BalanceRow, EntryRow, balance, columns};
use crate::{StorageError, Tx};

/// How far a workspace's entries are sealed and summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Whose they are.
    pub workspace_id: WorkspaceId,
    /// The number of the newest of them; 0: none is.
    pub seq: i64,
    /// The hash of the newest of them ([`replyx_core::ledger::seal`]).
    pub hash: String,
}

/// What an account gained and lost on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The account.
    pub account: Account,
    /// The day, UTC.
    pub day: NaiveDate,
    /// Money; negative when it lost more than it gained.
    pub amount: Money,
    /// Answers of trials; negative as well.
    pub answers: i64,
}

/// All ledgers.
pub struct SystemLedger<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemLedger<'_> {
    /// Where the ledgers stand, by workspace; at most `limit`, after this one.
    pub async fn balances(
        self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<Balance>, StorageError> {
        const SQL: &str = concat!(
            balance!(),
            " WHERE $1 IS NULL OR workspace_id > $1 ORDER BY workspace_id LIMIT $2"
        );
        let after = after.map(WorkspaceId::into_uuid);
        let rows = rows!(self.tx, BalanceRow, SQL; after, i64::from(limit));
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The entries of a workspace after a number, oldest first; at most `limit`.
    pub async fn entries(
        self,
        workspace: WorkspaceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM ledger_entries WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
        );
        let rows = rows!(self.tx, EntryRow, SQL; workspace.into_uuid(), after, i64::from(limit));
        rows.into_iter().map(EntryRow::entry).collect()
    }

    /// Workspaces that have entries, holds or credits, but no balance; at most `limit`.
    pub async fn orphans(self, limit: u32) -> Result<Vec<WorkspaceId>, StorageError> {
        macro_rules! orphans {
            ($table:literal) => {
                concat!(
                    "SELECT workspace_id FROM ",
                    $table,
                    " t WHERE NOT EXISTS
                         (SELECT 1 FROM ledger_balances b WHERE b.workspace_id = t.workspace_id)"
                )
            };
        }
        const SQL: &str = concat!(
            orphans!("ledger_entries"),
            " UNION ",
            orphans!("ledger_holds"),
            " UNION ",
            orphans!("ledger_credits"),
            " UNION ",
            orphans!("ledger_seals"),
            " ORDER BY 1 LIMIT $1"
        );
        let rows = rows!(self.tx, (Uuid,), SQL; i64::from(limit));
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// How far a workspace is sealed.
    pub async fn sealed(self, workspace: WorkspaceId) -> Result<Option<Seal>, StorageError> {
        const SQL: &str = "SELECT seq, hash FROM ledger_seals WHERE workspace_id = $1";
        let row = row!(self.tx, (i64, String), SQL; workspace.into_uuid());
        Ok(row.map(|(seq, hash)| Seal { workspace_id: workspace, seq, hash }))
    }

    /// Workspaces with entries that are not sealed, by id; at most `limit`, after this one.
    pub async fn unsealed(
        self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        const SQL: &str = "
            SELECT b.workspace_id FROM ledger_balances b
              LEFT JOIN ledger_seals s ON s.workspace_id = b.workspace_id
             WHERE ($1 IS NULL OR b.workspace_id > $1) AND b.seq > COALESCE(s.seq, 0)
             ORDER BY b.workspace_id LIMIT $2";
        let after = after.map(WorkspaceId::into_uuid);
        let rows = rows!(self.tx, (Uuid,), SQL; after, i64::from(limit));
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Seals entries that follow those sealed up to `from`. `false`: somebody else has sealed them.
    pub async fn seal(
        self,
        from: i64,
        seal: &Seal,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO ledger_seals (workspace_id, seq, hash, sealed_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id) DO UPDATE
               SET seq = excluded.seq, hash = excluded.hash, sealed_at = excluded.sealed_at
             WHERE ledger_seals.seq = $5";
        let sealed = run!(self.tx, SQL;
            seal.workspace_id.into_uuid(), seal.seq, &seal.hash, at, from);
        Ok(sealed == 1)
    }

    /// Adds to what accounts gained and lost on days.
    pub async fn add(self, days: &[Day]) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO ledger_totals (account, day, amount, answers) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account, day) DO UPDATE
               SET amount = ledger_totals.amount + excluded.amount,
                   answers = ledger_totals.answers + excluded.answers";
        for day in days {
            run!(self.tx, SQL;
                day.account.as_str(), day.day.to_string(), day.amount.micros(), day.answers);
        }
        Ok(())
    }

    /// What accounts gained and lost from one day to another, both included, by account and day.
    pub async fn days(self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Day>, StorageError> {
        const SQL: &str = "
            SELECT account, day, amount, answers FROM ledger_totals
             WHERE day >= $1 AND day <= $2 ORDER BY account, day";
        let rows =
            rows!(self.tx, (String, String, i64, i64), SQL; from.to_string(), to.to_string());
        rows.into_iter()
            .map(|(account, day, amount, answers)| {
                Ok(Day {
                    account: account.parse().map_err(StorageError::corrupt("ledger_totals"))?,
                    day: day.parse().map_err(StorageError::corrupt("ledger_totals"))?,
                    amount: Money::from_micros(amount),
                    answers,
                })
            })
            .collect()
    }
}
