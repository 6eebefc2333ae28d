//! What is done in the background: entries are sealed by a chain of hashes, and summed by account
//! and day. No transaction of a turn writes to an account of the installation.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use replyx_core::{
    audit::GENESIS,
    ids::WorkspaceId,
    ledger::{self, Account, Entry, Movement},
    money::Money,
};
use replyx_storage::{
    Db, StorageError,
    ledger::{Day, Seal},
    retried,
};

/// How many entries are sealed in one transaction.
const TOGETHER: u32 = 2_000;
/// How many workspaces are looked for at once.
const WORKSPACES: u32 = 200;

/// Sums of accounts by day.
#[derive(Debug, Default)]
pub(crate) struct Sums(BTreeMap<(&'static str, NaiveDate), Day>);

impl Sums {
    /// Adds an entry.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Movement { source, target, amount, .. } = entry.movement;
        let day = entry.created_at.date_naive();
        self.count(source, day, -amount.money().micros(), -amount.answers());
        self.count(target, day, amount.money().micros(), amount.answers());
    }

    fn count(&mut self, account: Account, day: NaiveDate, micros: i64, answers: i64) {
        let none = Day { account, day, amount: Money::ZERO, answers: 0 };
        let sum = self.0.entry((account.as_str(), day)).or_insert(none);
        sum.amount = sum.amount + Money::from_micros(micros);
        sum.answers = sum.answers.saturating_add(answers);
    }

    /// The sums, by account and day.
    pub(crate) fn days(&self) -> Vec<Day> {
        self.0.values().copied().collect()
    }
}

/// Seals and sums all entries that are not yet. Returns how many.
pub async fn seal(db: &Db, at: DateTime<Utc>) -> Result<u64, StorageError> {
    let mut sealed = 0;
    let mut after = None;
    loop {
        let workspaces = db.read().await?.system().ledger().unsealed(after, WORKSPACES).await?;
        for workspace in &workspaces {
            loop {
                let some = retried(|| seal_some(db, *workspace, at)).await?;
                sealed += some;
                if some < u64::from(TOGETHER) {
                    break;
                }
            }
        }

        after = workspaces.last().copied();
        if workspaces.len() < WORKSPACES as usize {
            return Ok(sealed);
        }
    }
}

async fn seal_some(
    db: &Db,
    workspace: WorkspaceId,
    at: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let mut tx = db.begin().await?;
    let sealed = tx.system().ledger().sealed(workspace).await?;
    let from = sealed.as_ref().map_or(0, |seal| seal.seq);
    let previous = sealed.map_or_else(|| GENESIS.to_owned(), |seal| seal.hash);
    let entries = tx.system().ledger().entries(workspace, from, TOGETHER).await?;
    let Some(last) = entries.last() else { return Ok(0) };

    let mut sums = Sums::default();
    let hash = entries.iter().fold(previous, |previous, entry| {
        sums.add(entry);
        ledger::seal(&previous, entry)
    });
    let seal = Seal { workspace_id: workspace, seq: last.seq, hash };
    if !tx.system().ledger().seal(from, &seal, at).await? {
        // Another process has sealed them; nothing of this lasts.
        return Ok(0);
    }
    tx.system().ledger().add(&sums.days()).await?;
    tx.commit().await?;
    Ok(entries.len() as u64)
}
