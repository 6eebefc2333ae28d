//! Proves the whole ledger, or names what is wrong with it.
//!
//! All of it is read in one transaction, so what is written in the meantime does not disturb it.
//! Each workspace is walked from its first entry: `Walk` follows the funds, the holds that are
//! open, what is left of credits, and the chain of hashes, and compares them with the tables.

use replyx_core::{
    ids::WorkspaceId,
    ledger::{Account, Balance},
};
use replyx_storage::{Db, StorageError, Tx, ledger::Day};

use crate::seal::Sums;

mod fault;
mod walk;

pub use fault::{Damage, Fault};
use walk::Walk;

/// How many entries are read at once.
const TOGETHER: u32 = 5_000;
/// How many workspaces are read at once.
const WORKSPACES: u32 = 1_000;
/// So many faults are named; more are only counted.
const NAMED: usize = 1_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many workspaces have a ledger.
    pub workspaces: u64,
    /// How many entries there are.
    pub entries: u64,
    /// How many holds are open.
    pub holds: u64,
    /// How many credits there are.
    pub credits: u64,
    /// What is wrong; the first 1,000.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub found: u64,
}

impl Report {
    /// Is the ledger proved?
    pub const fn is_sound(&self) -> bool {
        self.found == 0
    }

    fn note(&mut self, workspace: Option<WorkspaceId>, damage: Damage) {
        self.found += 1;
        if self.faults.len() < NAMED {
            self.faults.push(Fault { workspace, damage });
        }
    }
}

/// Looks at everything.
///
/// # Errors
///
/// Fails when the database does. What cannot be read is a fault, no error.
pub async fn verify(db: &Db) -> Result<Report, StorageError> {
    let mut tx = db.read().await?;
    let mut report = Report::default();
    let mut sums = Sums::default();

    for workspace in tx.system().ledger().orphans(WORKSPACES).await? {
        report.note(Some(workspace), Damage::NoBalance);
    }
    let mut after = None;
    loop {
        let balances = tx.system().ledger().balances(after, WORKSPACES).await?;
        for balance in &balances {
            report.workspaces += 1;
            workspace(&mut tx, balance, &mut sums, &mut report).await?;
        }
        after = balances.last().map(|balance| balance.workspace_id);
        if balances.len() < WORKSPACES as usize {
            break;
        }
    }
    totals(&mut tx, &sums, &mut report).await?;
    Ok(report)
}

async fn workspace(
    tx: &mut Tx,
    balance: &Balance,
    sums: &mut Sums,
    report: &mut Report,
) -> Result<(), StorageError> {
    let id = balance.workspace_id;
    let sealed = tx.system().ledger().sealed(id).await?;
    let mut walk = Walk::new(sealed);
    loop {
        let entries = match tx.system().ledger().entries(id, walk.seq(), TOGETHER).await {
            Ok(entries) => entries,
            Err(StorageError::Corrupt { .. }) => {
                report.note(Some(id), Damage::Unreadable { after: walk.seq() });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        report.entries += entries.len() as u64;
        for entry in &entries {
            if walk.is_sealed(entry.seq) {
                sums.add(entry);
            }
            walk.step(entry);
        }
        if entries.len() < TOGETHER as usize {
            break;
        }
    }

    let holds = tx.workspace(id).holds().list(u32::MAX).await?;
    let credits = tx.workspace(id).credits().list().await?;
    report.holds += holds.len() as u64;
    report.credits += credits.len() as u64;
    for damage in walk.end(balance, &holds, &credits) {
        report.note(Some(id), damage);
    }
    Ok(())
}

/// Compares the totals with the entries that they were summed from.
async fn totals(tx: &mut Tx, sums: &Sums, report: &mut Report) -> Result<(), StorageError> {
    use chrono::NaiveDate;

    let from = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or(NaiveDate::MIN);
    let to = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
    let stored = tx.system().ledger().days(from, to).await?;
    let summed = sums.days();

    let find = |days: &[Day], wanted: &Day| {
        let same = |day: &&Day| day.account == wanted.account && day.day == wanted.day;
        days.iter().find(same).copied()
    };
    let is_nothing = |day: &Day| day.amount.micros() == 0 && day.answers == 0;
    for day in &summed {
        let total = find(&stored, day);
        if total != Some(*day) && !(total.is_none() && is_nothing(day)) {
            report.note(None, wrong_total(day.account, day, total));
        }
    }
    for day in stored.iter().filter(|day| !is_nothing(day)) {
        if find(&summed, day).is_none() {
            let none = Day { amount: replyx_core::money::Money::ZERO, answers: 0, ..*day };
            report.note(None, wrong_total(day.account, &none, Some(*day)));
        }
    }

    let money: i128 = stored.iter().map(|day| i128::from(day.amount.micros())).sum();
    let answers: i128 = stored.iter().map(|day| i128::from(day.answers)).sum();
    if (money, answers) != (0, 0) {
        report.note(None, Damage::NotZero { micros: money, answers });
    }
    Ok(())
}

fn wrong_total(account: Account, summed: &Day, stored: Option<Day>) -> Damage {
    Damage::Total {
        account,
        day: summed.day,
        stored: stored.map(|day| (day.amount, day.answers)),
        summed: (summed.amount, summed.answers),
    }
}
