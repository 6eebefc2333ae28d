//! Where money came from: the `ledger_credits` table. Of a credit only what is left of it changes.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{CreditId, WorkspaceId},
    ledger::{Credit, CreditSource},
    money::Money,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! credits {
    () => {
        "SELECT workspace_id, id, source, source_id, amount, remaining, created_at
           FROM ledger_credits"
    };
}

#[derive(crate::FromRow)]
pub(super) struct Row {
    workspace_id: Uuid,
    id: Uuid,
    source: String,
    source_id: String,
    amount: i64,
    remaining: i64,
    created_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn credit(self) -> Result<Credit, StorageError> {
        Ok(Credit {
            id: self.id.into(),
            workspace_id: self.workspace_id.into(),
            source: self.source.parse().map_err(StorageError::corrupt("ledger_credits"))?,
            source_id: self.source_id,
            amount: Money::from_micros(self.amount),
            remaining: Money::from_micros(self.remaining),
            created_at: self.created_at,
        })
    }
}

/// One workspace's credits. Who changes them has locked its balance.
pub struct Credits<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Credits<'_> {
    /// Stores a new credit. `false`: there is one with this source and id, in whichever workspace.
    pub async fn insert(self, credit: &Credit) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO ledger_credits
                   (workspace_id, id, source, source_id, amount, remaining, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source, source_id) DO NOTHING";
        debug_assert_eq!(credit.workspace_id, self.workspace, "of another workspace");
        let inserted = run!(self.tx, SQL;
            self.workspace.into_uuid(), credit.id.into_uuid(), credit.source.as_str(),
            &credit.source_id, credit.amount.micros(), credit.remaining.micros(),
            credit.created_at);
        Ok(inserted == 1)
    }

    /// The credits of which something is left, the oldest first.
    pub async fn left(self) -> Result<Vec<Credit>, StorageError> {
        const SQL: &str = concat!(
            credits!(),
            " WHERE workspace_id = $1 AND remaining > 0 ORDER BY created_at, id"
        );
        let rows = rows!(self.tx, Row, SQL; self.workspace.into_uuid());
        rows.into_iter().map(Row::credit).collect()
    }

    /// All credits, the oldest first.
    pub async fn list(self) -> Result<Vec<Credit>, StorageError> {
        const SQL: &str = concat!(credits!(), " WHERE workspace_id = $1 ORDER BY created_at, id");
        let rows = rows!(self.tx, Row, SQL; self.workspace.into_uuid());
        rows.into_iter().map(Row::credit).collect()
    }

    /// Finds the credit with a source and its id, in this workspace.
    pub async fn of_source(
        self,
        source: CreditSource,
        source_id: &str,
    ) -> Result<Option<Credit>, StorageError> {
        const SQL: &str =
            concat!(credits!(), " WHERE workspace_id = $1 AND source = $2 AND source_id = $3");
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), source.as_str(), source_id);
        row.map(Row::credit).transpose()
    }

    /// Leaves less of a credit by this much; a negative amount is given back.
    ///
    /// # Errors
    ///
    /// Fails when not so much is left, or when more would be left than it was.
    pub async fn draw(self, id: CreditId, amount: Money) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE ledger_credits SET remaining = remaining - $3
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), id.into_uuid(), amount.micros());
        StorageError::expect_one_row("ledger_credits", changed)
    }
}
