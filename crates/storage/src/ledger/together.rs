//! The money of many turns at once: a statement for all of them where the database takes lists.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, CreditId, DialogId, HoldId, WorkspaceId},
    ledger::{Balance, Credit, Entry, Hold, PriceList},
    money::Money,
};
use uuid::Uuid;

use super::{BalanceRow, NewEntry, SystemLedger, credits, holds, insert};
use crate::StorageError;

/// A locked balance, with what decides whether the trial pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedBalance {
    /// Where the ledger stands.
    pub balance: Balance,
    /// When the trial ends; `None`: there is none.
    pub trial_ends_at: Option<DateTime<Utc>>,
}

/// What decides what a turn costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnTerms {
    /// The dialog that is answered.
    pub dialog_id: DialogId,
    /// Who answers.
    pub assistant_id: AssistantId,
    /// The kind of channel.
    pub channel: String,
    /// The version of the prices in force.
    pub price_version: i64,
    /// These prices.
    pub prices: PriceList,
    /// What is set aside for the dialog already.
    pub hold: Option<HoldId>,
}

#[derive(crate::FromRow)]
struct LockedRow {
    #[row(flatten)]
    balance: BalanceRow,
    trial_ends_at: Option<DateTime<Utc>>,
}

#[derive(crate::FromRow)]
struct TermsRow {
    dialog_id: Uuid,
    assistant_id: Uuid,
    channel: String,
    version: i64,
    prices: String,
    hold_id: Option<Uuid>,
}

impl TermsRow {
    fn terms(self) -> Result<TurnTerms, StorageError> {
        let prices = serde_json::from_str(&self.prices);
        Ok(TurnTerms {
            dialog_id: self.dialog_id.into(),
            assistant_id: self.assistant_id.into(),
            channel: self.channel,
            price_version: self.version,
            prices: prices.map_err(StorageError::corrupt("prices"))?,
            hold: self.hold_id.map(Into::into),
        })
    }
}

macro_rules! lock_each {
    ($lock:literal) => {
        given!(
            ["in_workspace" "uuid"]
            concat!(
                "SELECT b.workspace_id, b.seq, b.trial, b.bonus, b.paid, b.held, b.held_answers,
                        b.changed_at, t.ends_at AS trial_ends_at
                   FROM ledger_balances b
                   LEFT JOIN ledger_trials t ON t.workspace_id = b.workspace_id
                  WHERE b.workspace_id IN (SELECT in_workspace FROM given)
                  ORDER BY b.workspace_id",
                $lock
            )
        )
    };
}

impl SystemLedger<'_> {
    /// Locks balances, in the order of their workspaces. One that there is not is left out.
    pub async fn lock_each(
        self,
        workspaces: &[WorkspaceId],
    ) -> Result<Vec<LockedBalance>, StorageError> {
        const LOCKED: [&str; 2] = lock_each!(" FOR NO KEY UPDATE OF b");
        // A writing transaction already holds all of SQLite.
        const HELD: [&str; 2] = lock_each!("");
        let rows = rows_each!(self.tx, LockedRow, [LOCKED[0], HELD[1]], workspaces; |id|
            id.into_uuid());
        let locked = |row: LockedRow| LockedBalance {
            balance: row.balance.into(),
            trial_ends_at: row.trial_ends_at,
        };
        Ok(rows.into_iter().map(locked).collect())
    }

    /// What decides what turns cost, at a moment. A dialog that there is not is left out.
    pub async fn terms_each(
        self,
        turns: &[(WorkspaceId, DialogId)],
        at: DateTime<Utc>,
    ) -> Result<Vec<TurnTerms>, StorageError> {
        const SQL: [&str; 2] = given!(
            ["in_workspace" "uuid", 2 "dialog" "uuid", 3 "at" "timestamptz"]
            "SELECT d.id AS dialog_id, d.assistant_id, c.kind AS channel, p.version, p.prices,
                    h.id AS hold_id
               FROM given g
               JOIN dialogs d ON d.workspace_id = g.in_workspace AND d.id = g.dialog
               JOIN channels c ON c.workspace_id = d.workspace_id AND c.id = d.channel_id
               JOIN prices p ON p.version = (SELECT version FROM prices
                                              WHERE in_force_from <= g.at
                                              ORDER BY in_force_from DESC, version DESC LIMIT 1)
               LEFT JOIN ledger_holds h ON h.workspace_id = d.workspace_id AND h.dialog_id = d.id"
        );
        let rows = rows_each!(self.tx, TermsRow, SQL, turns; |turn|
            turn.0.into_uuid(), turn.1.into_uuid(), at);
        rows.into_iter().map(TermsRow::terms).collect()
    }

    /// Writes entries that were made from locked balances, those of a workspace in their order.
    pub async fn post_each(self, entries: &[Entry]) -> Result<(), StorageError> {
        let posted: Result<Vec<_>, _> = entries.iter().map(NewEntry::of).collect();
        insert(self.tx, &posted?).await
    }

    /// Stores new holds.
    pub async fn hold_each(self, new: &[Hold]) -> Result<(), StorageError> {
        holds::insert(self.tx, new).await
    }

    /// Keeps holds for longer.
    pub async fn renew_each(
        self,
        which: &[(WorkspaceId, HoldId)],
        until: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: [&str; 2] = given!(
            ["in_workspace" "uuid", 2 "hold" "uuid", 3 "until" "timestamptz"]
            "UPDATE ledger_holds SET expires_at = given.until FROM given
              WHERE ledger_holds.workspace_id = given.in_workspace AND ledger_holds.id = given.hold"
        );
        run_each!(self.tx, SQL, which; |row| row.0.into_uuid(), row.1.into_uuid(), until);
        Ok(())
    }

    /// Deletes holds that are about to be settled, and returns those that there were.
    pub async fn take_each(
        self,
        which: &[(WorkspaceId, HoldId)],
    ) -> Result<Vec<Hold>, StorageError> {
        const SQL: [&str; 2] = given!(
            ["in_workspace" "uuid", 2 "hold" "uuid"]
            "DELETE FROM ledger_holds
              WHERE (workspace_id, id) IN (SELECT in_workspace, hold FROM given)
             RETURNING workspace_id, id, purpose, dialog_id, answers, bonus, paid, price_version,
                       taken_at, expires_at"
        );
        let rows = rows_each!(self.tx, holds::Row, SQL, which; |row|
            row.0.into_uuid(), row.1.into_uuid());
        rows.into_iter().map(holds::Row::hold).collect()
    }

    /// The credits of which something is left, of several workspaces.
    pub async fn credits_each(
        self,
        workspaces: &[WorkspaceId],
    ) -> Result<Vec<Credit>, StorageError> {
        const SQL: [&str; 2] = given!(
            ["in_workspace" "uuid"]
            "SELECT workspace_id, id, source, source_id, amount, remaining, created_at
               FROM ledger_credits
              WHERE workspace_id IN (SELECT in_workspace FROM given) AND remaining > 0"
        );
        let rows = rows_each!(self.tx, credits::Row, SQL, workspaces; |id| id.into_uuid());
        rows.into_iter().map(credits::Row::credit).collect()
    }

    /// Leaves less of credits, each named once.
    pub async fn draw_each(
        self,
        drawn: &[(WorkspaceId, CreditId, Money)],
    ) -> Result<(), StorageError> {
        const SQL: [&str; 2] = given!(
            ["in_workspace" "uuid", 2 "credit" "uuid", 3 "drawn" "bigint"]
            "UPDATE ledger_credits SET remaining = remaining - given.drawn FROM given
              WHERE ledger_credits.workspace_id = given.in_workspace
                AND ledger_credits.id = given.credit"
        );
        let changed = run_each!(self.tx, SQL, drawn; |row|
            row.0.into_uuid(), row.1.into_uuid(), row.2.micros());
        StorageError::expect_a_row_each("ledger_credits", drawn, changed)
    }
}
