//! What a new workspace is given: a trial, and a bonus for its owner. Each is once per mailbox,
//! also when an account or a workspace was deleted in the meantime.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    clock::Clock,
    ids::WorkspaceId,
    ledger::{Credit, CreditSource, EntryKind, Subject},
    money::Money,
    secret::sha256_hex,
    setting,
};
use replyx_storage::{Db, StorageError, Tx, retried, tuning::Tuning};

use crate::{
    books::{self, damaged},
    cx::{BillingSettings, Mode},
    error::Error,
    price, trial,
};

/// How many workspaces are looked at in one transaction.
const TOGETHER: u32 = 50;

/// A hundredth of a dollar, micro-units.
const CENT: i64 = 10_000;

/// The kind of mark of a mailbox.
const MAILBOX: &str = "mailbox";

/// Who is given a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// A workspace that is new: once per mailbox.
    Newcomer,
    /// A workspace that was there before anybody paid.
    OldHand,
}

/// Gives a new workspace its trial and its owner the bonus, unless the mailbox has had them. The
/// address has been confirmed, or need not be. Nothing while nobody pays.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn welcome(
    tx: &mut Tx,
    settings: &BillingSettings,
    tuning: &Tuning,
    (workspace, email): (WorkspaceId, &str),
    clock: &Clock,
) -> Result<(), StorageError> {
    if settings.mode == Mode::Off {
        return Ok(());
    }
    give(tx, tuning, (workspace, Some(email)), Who::Newcomer, clock).await
}

/// Gives each workspace a trial that was there before anybody paid. Several processes may do so at
/// once. Returns how many.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn welcome_all(
    db: &Db,
    settings: &BillingSettings,
    tuning: &Tuning,
    clock: &Clock,
) -> Result<u64, StorageError> {
    if settings.mode == Mode::Off {
        return Ok(0);
    }
    let mut given = 0;
    loop {
        let some = retried(|| welcome_some(db, tuning, clock)).await?;
        given += some;
        if some < u64::from(TOGETHER) {
            return Ok(given);
        }
    }
}

async fn welcome_some(db: &Db, tuning: &Tuning, clock: &Clock) -> Result<u64, StorageError> {
    let mut tx = db.begin().await?;
    let undecided = tx.system().trials().undecided(TOGETHER).await?;
    for (workspace, email) in &undecided {
        let of = (*workspace, email.as_deref());
        give(&mut tx, tuning, of, Who::OldHand, clock).await?;
    }
    tx.commit().await?;
    Ok(u64::try_from(undecided.len()).unwrap_or(u64::MAX))
}

async fn give(
    tx: &mut Tx,
    tuning: &Tuning,
    (workspace, email): (WorkspaceId, Option<&str>),
    who: Who,
    clock: &Clock,
) -> Result<(), StorageError> {
    let now = clock.now();
    let mark = email.map(|email| sha256_hex(trial::mailbox(email).as_bytes()));
    let is_first = match &mark {
        Some(mark) => tx.workspace(workspace).trials().mark(MAILBOX, mark, now).await?,
        None => true,
    };

    let answers = tuning.int(setting::TRIAL_MESSAGE_LIMIT);
    let answers = if is_first || who == Who::OldHand { answers } else { 0 };
    let ends_at = now + TimeDelta::days(tuning.int(setting::TRIAL_DURATION_DAYS));
    // One without answers says that there is none to come.
    if !tx.workspace(workspace).trials().insert(answers, now, ends_at).await? {
        return Ok(());
    }
    books::grant_trial(tx, workspace, answers, now).await.map_err(damaged)?;

    match mark {
        Some(mark) => give_bonus(tx, tuning, (workspace, mark), clock, now).await,
        None => Ok(()),
    }
}

/// The bonus is worth so many answers by the prices of the moment.
async fn give_bonus(
    tx: &mut Tx,
    tuning: &Tuning,
    (workspace, source_id): (WorkspaceId, String),
    clock: &Clock,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let prices = tx.system().prices().list().await?;
    let answer = price::in_force(&prices, now).map_or(Money::ZERO, |found| found.prices.answer);
    let worth = answer.micros().saturating_mul(tuning.int(setting::WELCOME_BONUS));
    if worth <= 0 {
        return Ok(());
    }

    let amount = Money::from_micros(worth);
    let credit = Credit {
        id: clock.id(),
        workspace_id: workspace,
        source: CreditSource::Welcome,
        source_id,
        amount,
        remaining: amount,
        created_at: now,
    };
    let subject = Subject::default();
    match books::credit(tx, &credit, EntryKind::Credit, &subject, now).await {
        // Its owner has had it, in whichever workspace.
        Ok(_) | Err(Error::Credited) => Ok(()),
        Err(error) => Err(damaged(error)),
    }
}

/// Takes back what is left of trials whose time is over, or during which models have cost as much
/// as they may. Returns how many.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn end_trials(db: &Db, tuning: &Tuning, at: DateTime<Utc>) -> Result<u64, StorageError> {
    let cents = tuning.int(setting::TRIAL_COST_LIMIT);
    let cost = Money::from_micros(cents.saturating_mul(CENT));
    let mut ended = 0;
    loop {
        let some = retried(|| end_some(db, cost, at)).await?;
        ended += some;
        if some < u64::from(TOGETHER) {
            return Ok(ended);
        }
    }
}

async fn end_some(db: &Db, cost: Money, at: DateTime<Utc>) -> Result<u64, StorageError> {
    let mut tx = db.begin().await?;
    let over = tx.system().trials().over(at, TOGETHER).await?;
    let costly = tx.system().trials().costly(at, cost, TOGETHER).await?;
    // Balances are locked in the order of their workspaces.
    let ending: BTreeSet<WorkspaceId> = over.into_iter().chain(costly).collect();
    for workspace in &ending {
        books::end_trial(&mut tx, *workspace, at).await.map_err(damaged)?;
        tx.workspace(*workspace).trials().end(at).await?;
    }
    tx.commit().await?;
    Ok(u64::try_from(ending.len()).unwrap_or(u64::MAX))
}
