//! The ledger: the `ledger_*` tables.
//!
//! One row of `ledger_balances` says where a workspace's ledger stands. A transaction that posts
//! locks it first ([`Ledger::lock`]), so entries of a workspace are numbered without gaps, and what
//! was decided by the balance still holds when it is written. Of several workspaces the rows are
//! locked by their ids. Accounts of the installation have no row: they are summed in the background
//! (`totals`).
//!
//! Triggers refuse what does not follow from the entry before, whatever writes it: entries are
//! never changed or deleted, and a balance changes only as its newest entry says. All of it
//! outlives its workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, CreditId, DialogId, HoldId, MessageId, WorkspaceId},
    ledger::{Amount, Balance, Entry, EntryKind, Facts, Funds, Movement, Posting, Subject},
    money::Money,
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

mod credits;
mod holds;
mod notices;
pub mod prices;
mod together;
mod totals;
mod trials;

pub use credits::Credits;
pub use holds::{Holds, SystemHolds};
pub use notices::{BalanceNotices, SystemBalanceNotices, Watched};
pub use prices::Prices;
pub use together::{LockedBalance, TurnTerms};
pub use totals::{Day, Seal, SystemLedger};
pub use trials::{StoredTrial, SystemTrials, Trials};

/// One workspace's ledger.
pub struct Ledger<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

macro_rules! balance {
    () => {
        "SELECT workspace_id, seq, trial, bonus, paid, held, held_answers, changed_at
           FROM ledger_balances"
    };
}
pub(crate) use balance;

#[derive(crate::FromRow)]
pub(crate) struct BalanceRow {
    workspace_id: Uuid,
    seq: i64,
    trial: i64,
    bonus: i64,
    paid: i64,
    held: i64,
    held_answers: i64,
    changed_at: DateTime<Utc>,
}

impl From<BalanceRow> for Balance {
    fn from(row: BalanceRow) -> Self {
        Self {
            workspace_id: row.workspace_id.into(),
            seq: row.seq,
            funds: Funds {
                trial: row.trial,
                bonus: Money::from_micros(row.bonus),
                paid: Money::from_micros(row.paid),
                held: Money::from_micros(row.held),
                held_answers: row.held_answers,
            },
            changed_at: row.changed_at,
        }
    }
}

macro_rules! columns {
    () => {
        "workspace_id, seq, key, part, kind, source, target, amount, answers, trial_after,
         bonus_after, paid_after, held_after, held_answers_after, hold_id, credit_id, assistant_id,
         dialog_id, message_id, facts, created_at"
    };
}
pub(crate) use columns;

#[derive(crate::FromRow)]
pub(crate) struct EntryRow {
    workspace_id: Uuid,
    seq: i64,
    key: String,
    part: i64,
    kind: String,
    source: String,
    target: String,
    amount: i64,
    answers: i64,
    trial_after: i64,
    bonus_after: i64,
    paid_after: i64,
    held_after: i64,
    held_answers_after: i64,
    hold_id: Option<Uuid>,
    credit_id: Option<Uuid>,
    assistant_id: Option<Uuid>,
    dialog_id: Option<Uuid>,
    message_id: Option<Uuid>,
    facts: String,
    created_at: DateTime<Utc>,
}

impl EntryRow {
    pub(crate) fn entry(self) -> Result<Entry, StorageError> {
        const TABLE: &str = "ledger_entries";
        let facts = serde_json::from_str::<Facts>(&self.facts);
        let amount = if self.answers > 0 {
            Amount::Answers(self.answers)
        } else {
            Amount::Money(Money::from_micros(self.amount))
        };
        let movement = Movement {
            kind: self.kind.parse().map_err(StorageError::corrupt(TABLE))?,
            source: self.source.parse().map_err(StorageError::corrupt(TABLE))?,
            target: self.target.parse().map_err(StorageError::corrupt(TABLE))?,
            amount,
            hold_id: self.hold_id.map(Into::into),
            credit_id: self.credit_id.map(Into::into),
            subject: Subject {
                assistant_id: self.assistant_id.map(Into::into),
                dialog_id: self.dialog_id.map(Into::into),
                message_id: self.message_id.map(Into::into),
                facts: facts.map_err(StorageError::corrupt(TABLE))?,
            },
        };
        let after = Funds {
            trial: self.trial_after,
            bonus: Money::from_micros(self.bonus_after),
            paid: Money::from_micros(self.paid_after),
            held: Money::from_micros(self.held_after),
            held_answers: self.held_answers_after,
        };
        Ok(Entry {
            workspace_id: self.workspace_id.into(),
            seq: self.seq,
            key: self.key,
            part: self.part,
            movement,
            after,
            created_at: self.created_at,
        })
    }
}

/// Which entries are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Only entries of this kind.
    pub kind: Option<EntryKind>,
    /// Only entries about this message.
    pub message_id: Option<MessageId>,
    /// Only entries made at this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Only entries made before this moment.
    pub to: Option<DateTime<Utc>>,
}

impl Ledger<'_> {
    /// Begins the workspace's ledger, with nothing in it. One that is there stays as it is.
    pub async fn open(self, at: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO ledger_balances
                   (workspace_id, seq, trial, bonus, paid, held, held_answers, changed_at)
            VALUES ($1, 0, 0, 0, 0, 0, 0, $2) ON CONFLICT (workspace_id) DO NOTHING";
        run!(self.tx, SQL; self.workspace.into_uuid(), at);
        Ok(())
    }

    /// Where the ledger stands. `None`: it has not begun.
    pub async fn find(self) -> Result<Option<Balance>, StorageError> {
        const SQL: &str = concat!(balance!(), " WHERE workspace_id = $1");
        Ok(row!(self.tx, BalanceRow, SQL; self.workspace.into_uuid()).map(Into::into))
    }

    /// Where the ledger stands; nobody else posts until the transaction ends.
    pub async fn lock(self) -> Result<Option<Balance>, StorageError> {
        const FIND: &str = concat!(balance!(), " WHERE workspace_id = $1");
        const LOCK: &str = concat!(balance!(), " WHERE workspace_id = $1 FOR NO KEY UPDATE");
        let sql = self.tx.sql(LOCK, FIND);
        Ok(row!(self.tx, BalanceRow, sql; self.workspace.into_uuid()).map(Into::into))
    }

    /// Writes new entries, made from the locked balance.
    ///
    /// # Errors
    ///
    /// Fails when the balance is no longer the one they were made from, or when something was
    /// posted under their key.
    pub async fn post(self, posting: &Posting) -> Result<(), StorageError> {
        debug_assert_eq!(posting.balance().workspace_id, self.workspace, "of another workspace");
        let posted: Result<Vec<_>, _> = posting.entries().iter().map(NewEntry::of).collect();
        insert(self.tx, &posted?).await
    }

    /// What was posted under a key, in its order; nothing if nothing was.
    pub async fn posted(self, key: &str) -> Result<Vec<Entry>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM ledger_entries WHERE workspace_id = $1 AND key = $2 ORDER BY part"
        );
        let rows = rows!(self.tx, EntryRow, SQL; self.workspace.into_uuid(), key);
        rows.into_iter().map(EntryRow::entry).collect()
    }

    /// The money that there was before a moment, also what was set aside.
    pub async fn total_before(self, at: DateTime<Utc>) -> Result<Money, StorageError> {
        const SQL: &str = "
            SELECT bonus_after + paid_after + held_after FROM ledger_entries
             WHERE workspace_id = $1 AND created_at < $2
             ORDER BY created_at DESC, seq DESC LIMIT 1";
        let total = value!(self.tx, i64, SQL; self.workspace.into_uuid(), at);
        Ok(Money::from_micros(total.unwrap_or_default()))
    }

    /// What was added from a moment on, and when; what was taken for something else than work is
    /// negative.
    pub async fn added_since(
        self,
        from: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, Money)>, StorageError> {
        const SQL: &str = "
            SELECT created_at, CASE WHEN target IN ('bonus', 'paid') THEN amount ELSE -amount END
              FROM ledger_entries
             WHERE workspace_id = $1 AND created_at >= $2 AND amount > 0
               AND kind IN ('credit', 'refund', 'correction', 'write_off')
             ORDER BY seq";
        let rows = rows!(self.tx, (DateTime<Utc>, i64), SQL; self.workspace.into_uuid(), from);
        Ok(rows.into_iter().map(|(at, amount)| (at, Money::from_micros(amount))).collect())
    }

    /// The entries, newest first.
    pub async fn list(
        self,
        filter: &EntryFilter,
        page: PageRequest<i64>,
    ) -> Result<Page<Entry, i64>, StorageError> {
        macro_rules! list {
            ($more:literal) => {
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM ledger_entries WHERE workspace_id = $1 AND seq >= $2 AND seq < $3 ",
                    $more,
                    " ORDER BY seq DESC LIMIT $4"
                )
            };
        }

        let workspace = self.workspace.into_uuid();
        let limit = i64::from(page.limit) + 1;
        // Entries are numbered in the order of their times: a time is a number.
        let first = match filter.from {
            Some(from) => number_at(self.tx, self.workspace, from).await?,
            None => 0,
        };
        let end = match filter.to {
            Some(to) => number_at(self.tx, self.workspace, to).await?,
            None => i64::MAX,
        };
        let before = page.after.unwrap_or(i64::MAX).min(end);

        let rows = match (filter.message_id, filter.kind) {
            (Some(message), Some(kind)) => {
                let sql = list!("AND message_id = $5 AND kind = $6");
                rows!(self.tx, EntryRow, sql;
                    workspace, first, before, limit, message.into_uuid(), kind.as_str())
            }
            (Some(message), None) => {
                let sql = list!("AND message_id = $5");
                rows!(self.tx, EntryRow, sql; workspace, first, before, limit, message.into_uuid())
            }
            (None, Some(kind)) => {
                let sql = list!("AND kind = $5");
                rows!(self.tx, EntryRow, sql; workspace, first, before, limit, kind.as_str())
            }
            (None, None) => {
                rows!(self.tx, EntryRow, list!(""); workspace, first, before, limit)
            }
        };

        let entries: Result<Vec<_>, _> = rows.into_iter().map(EntryRow::entry).collect();
        Ok(Page::of(entries?, page.limit, |entry| entry.seq))
    }
}

/// An entry that is about to be written.
pub(crate) struct NewEntry<'e> {
    entry: &'e Entry,
    facts: String,
}

impl<'e> NewEntry<'e> {
    pub(crate) fn of(entry: &'e Entry) -> Result<Self, StorageError> {
        let facts = serde_json::to_string(&entry.movement.subject.facts);
        Ok(Self { entry, facts: facts.map_err(StorageError::corrupt("ledger_entries"))? })
    }
}

/// Writes entries in their order: each has to follow from the one before it of its workspace.
pub(crate) async fn insert(tx: &mut Tx, posted: &[NewEntry<'_>]) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        [
            "workspace_id" "uuid", 2 "seq" "bigint", 3 "key" "text", 4 "part" "bigint",
            5 "kind" "text", 6 "source" "text", 7 "target" "text", 8 "amount" "bigint",
            9 "answers" "bigint", 10 "trial_after" "bigint", 11 "bonus_after" "bigint",
            12 "paid_after" "bigint", 13 "held_after" "bigint", 14 "held_answers_after" "bigint",
            15 "hold_id" "uuid", 16 "credit_id" "uuid", 17 "assistant_id" "uuid",
            18 "dialog_id" "uuid", 19 "message_id" "uuid", 20 "facts" "text",
            21 "created_at" "timestamptz",
        ]
        concat!(
            "INSERT INTO ledger_entries (",
            columns!(),
            ") SELECT ",
            columns!(),
            " FROM given"
        )
    );
    run_each!(tx, SQL, posted; |row|
        row.entry.workspace_id.into_uuid(), row.entry.seq, row.entry.key.as_str(), row.entry.part,
        row.entry.movement.kind.as_str(), row.entry.movement.source.as_str(),
        row.entry.movement.target.as_str(), row.entry.movement.amount.money().micros(),
        row.entry.movement.amount.answers(), row.entry.after.trial,
        row.entry.after.bonus.micros(), row.entry.after.paid.micros(),
        row.entry.after.held.micros(), row.entry.after.held_answers,
        row.entry.movement.hold_id.map(HoldId::into_uuid),
        row.entry.movement.credit_id.map(CreditId::into_uuid),
        row.entry.movement.subject.assistant_id.map(AssistantId::into_uuid),
        row.entry.movement.subject.dialog_id.map(DialogId::into_uuid),
        row.entry.movement.subject.message_id.map(MessageId::into_uuid),
        row.facts.as_str(), row.entry.created_at);
    Ok(())
}

/// The number of the first entry at a moment or after it.
async fn number_at(
    tx: &mut Tx,
    workspace: WorkspaceId,
    at: DateTime<Utc>,
) -> Result<i64, StorageError> {
    const SQL: &str = "
        SELECT seq FROM ledger_entries WHERE workspace_id = $1 AND created_at >= $2
         ORDER BY created_at, seq LIMIT 1";
    Ok(value!(tx, i64, SQL; workspace.into_uuid(), at).unwrap_or(i64::MAX))
}
