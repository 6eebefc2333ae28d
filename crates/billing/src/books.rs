//! Moving money, in the transaction of the caller who has a reason for it.
//!
//! Each function locks the balance of its workspace first. One transaction that touches several
//! workspaces does so in the order of their ids. Each has an idempotency key, so doing it again
//! changes nothing.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    ids::{DialogId, HoldId, WorkspaceId},
    ledger::{
        Account, Amount, Balance, Bucket, Credit, EntryKind, Hold, HoldPurpose, Movement, Subject,
    },
    money::Money,
};
use replyx_storage::{Db, StorageError, Tx, retried};

use crate::{
    error::{Error, Result},
    spend::{self, Change, TrialPays},
};

/// How long a hold lasts, unless it is renewed: longer than a turn or a preview runs.
pub const LIFE: TimeDelta = TimeDelta::minutes(15);
/// How many holds are released in one transaction.
const TOGETHER: u32 = 100;

/// What is to be set aside.
#[derive(Clone, Debug)]
pub struct Need {
    /// For whom.
    pub workspace_id: WorkspaceId,
    /// The hold's id, if it becomes one.
    pub id: HoldId,
    /// What it is for.
    pub purpose: HoldPurpose,
    /// The dialog that is answered.
    pub dialog_id: Option<DialogId>,
    /// The most that it may cost.
    pub most: Money,
    /// The version of the prices that say so.
    pub price_version: i64,
    /// Whether the trial pays.
    pub trial: TrialPays,
    /// Until when it is needed, unless it is renewed.
    pub until: DateTime<Utc>,
    /// What it is about.
    pub subject: Subject,
}

/// What capturing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captured {
    /// The price was spent.
    Now,
    /// It had been before.
    Before,
}

/// Where a workspace's ledger stands, locked until the transaction ends. A workspace that has none
/// gets one.
pub async fn lock(
    tx: &mut Tx,
    workspace: WorkspaceId,
    at: DateTime<Utc>,
) -> Result<Balance, StorageError> {
    if let Some(balance) = tx.workspace(workspace).ledger().lock().await? {
        return Ok(balance);
    }
    tx.workspace(workspace).ledger().open(at).await?;
    let balance = tx.workspace(workspace).ledger().lock().await?;
    balance.ok_or(StorageError::RowsAffected { table: "ledger_balances", actual: 0 })
}

/// Sets aside the most that some work may cost. A dialog that has a hold keeps it, with its prices,
/// for longer.
///
/// # Errors
///
/// [`Error::Insufficient`] when there is not enough.
pub async fn hold(tx: &mut Tx, need: &Need, at: DateTime<Utc>) -> Result<Hold> {
    let balance = lock(tx, need.workspace_id, at).await?;
    if let Some(dialog) = need.dialog_id {
        let held = tx.workspace(need.workspace_id).holds().of_dialog(dialog).await?;
        if let Some(hold) = held {
            tx.workspace(need.workspace_id).holds().renew(hold.id, need.until).await?;
            return Ok(Hold { expires_at: need.until, ..hold });
        }
    }

    let hold = Hold {
        id: need.id,
        workspace_id: need.workspace_id,
        purpose: need.purpose,
        dialog_id: need.dialog_id,
        reserved: spend::reserve(&balance.funds, need.most, need.trial)?,
        price_version: need.price_version,
        taken_at: at,
        expires_at: need.until,
    };
    let movements = spend::set_aside(&hold, &need.subject);
    post(tx, &balance, &format!("hold:{}", hold.id), movements, at).await?;
    tx.workspace(need.workspace_id).holds().insert(&hold).await?;
    Ok(hold)
}

/// Spends the price of work that is done, and makes the rest of its hold available again.
///
/// # Errors
///
/// [`Error::NoHold`] when the hold was released: a new one must be taken first.
pub async fn capture(
    tx: &mut Tx,
    (workspace, id): (WorkspaceId, HoldId),
    price: Money,
    subject: &Subject,
    at: DateTime<Utc>,
) -> Result<Captured> {
    let key = capture_key(id);
    let balance = lock(tx, workspace, at).await?;
    let Some(hold) = tx.workspace(workspace).holds().find(id).await? else {
        let before = tx.workspace(workspace).ledger().posted(&key).await?;
        return if before.is_empty() { Err(Error::NoHold) } else { Ok(Captured::Before) };
    };

    let credits = tx.workspace(workspace).credits().left().await?;
    let change = spend::capture(&hold, price, &credits, subject);
    let change = change.map_err(|source| Error::Damaged { workspace, source })?;
    make(tx, &balance, &key, change, at).await?;
    tx.workspace(workspace).holds().delete(id).await?;
    Ok(Captured::Now)
}

/// Makes all of a hold available again. `false`: it was settled before.
pub async fn release(
    tx: &mut Tx,
    (workspace, id): (WorkspaceId, HoldId),
    subject: &Subject,
    at: DateTime<Utc>,
) -> Result<bool> {
    let balance = lock(tx, workspace, at).await?;
    let Some(hold) = tx.workspace(workspace).holds().find(id).await? else { return Ok(false) };

    let movements = spend::release(&hold, subject);
    post(tx, &balance, &format!("release:{id}"), movements, at).await?;
    tx.workspace(workspace).holds().delete(id).await?;
    Ok(true)
}

/// Gives back what a hold's capture spent, once. `false`: nothing was spent, or it was given back.
pub async fn give_back(
    tx: &mut Tx,
    (workspace, id): (WorkspaceId, HoldId),
    subject: &Subject,
    at: DateTime<Utc>,
) -> Result<bool> {
    let key = format!("give_back:{id}");
    let balance = lock(tx, workspace, at).await?;
    let captured = tx.workspace(workspace).ledger().posted(&capture_key(id)).await?;
    let change = spend::give_back(&captured, subject);
    let given_back = tx.workspace(workspace).ledger().posted(&key).await?;
    if change.movements.is_empty() || !given_back.is_empty() {
        return Ok(false);
    }

    make(tx, &balance, &key, change, at).await?;
    Ok(true)
}

/// Adds a credit.
///
/// # Errors
///
/// [`Error::Credited`] when there is one with its source and id, in whichever workspace.
pub async fn credit(
    tx: &mut Tx,
    credit: &Credit,
    kind: EntryKind,
    subject: &Subject,
    at: DateTime<Utc>,
) -> Result<Balance> {
    if credit.amount <= Money::ZERO {
        return Err(Error::Nothing);
    }
    let balance = lock(tx, credit.workspace_id, at).await?;
    if !tx.workspace(credit.workspace_id).credits().insert(credit).await? {
        return Err(Error::Credited);
    }

    let key = format!("credit:{}:{}", credit.source, credit.source_id);
    post(tx, &balance, &key, vec![spend::add(credit, kind, subject)], at).await
}

/// What is taken from a balance for what is no work.
#[derive(Clone, Copy, Debug)]
pub struct Withdrawal<'a> {
    /// The idempotency key.
    pub key: &'a str,
    /// Which kind of money, and how much.
    pub what: (Bucket, Money),
    /// Why.
    pub kind: EntryKind,
    /// To which account it goes.
    pub target: Account,
}

/// Takes money that is not set aside, once. Returns the balance after it.
///
/// # Errors
///
/// [`Error::Insufficient`] when less is available, [`Error::Nothing`] when the amount is not more
/// than 0.
pub async fn withdraw(
    tx: &mut Tx,
    workspace: WorkspaceId,
    withdrawal: Withdrawal<'_>,
    subject: &Subject,
    at: DateTime<Utc>,
) -> Result<Balance> {
    let Withdrawal { key, what, kind, target } = withdrawal;
    if what.1 <= Money::ZERO {
        return Err(Error::Nothing);
    }
    let balance = lock(tx, workspace, at).await?;
    if !tx.workspace(workspace).ledger().posted(key).await?.is_empty() {
        return Ok(balance);
    }

    let credits = tx.workspace(workspace).credits().left().await?;
    let change = spend::withdraw(&balance.funds, what, (kind, target), &credits, subject);
    make(tx, &balance, key, change.map_err(Error::withdrawal(workspace))?, at).await
}

/// Gives a workspace the answers of its trial, once under this key.
pub async fn grant_trial(
    tx: &mut Tx,
    workspace: WorkspaceId,
    answers: i64,
    at: DateTime<Utc>,
) -> Result<Balance> {
    const KEY: &str = "trial";
    let balance = lock(tx, workspace, at).await?;
    if answers <= 0 || !tx.workspace(workspace).ledger().posted(KEY).await?.is_empty() {
        return Ok(balance);
    }

    let amount = Amount::Answers(answers);
    let granted = Movement::new(
        EntryKind::TrialGranted,
        Account::TrialGrants,
        Account::Trial,
        amount,
        Subject::default(),
    );
    post(tx, &balance, KEY, vec![granted], at).await
}

/// Takes back the answers that are left of a trial whose time is over, once.
pub async fn end_trial(tx: &mut Tx, workspace: WorkspaceId, at: DateTime<Utc>) -> Result<()> {
    const KEY: &str = "trial_ended";
    let balance = lock(tx, workspace, at).await?;
    let left = balance.funds.trial;
    if left <= 0 || !tx.workspace(workspace).ledger().posted(KEY).await?.is_empty() {
        return Ok(());
    }

    let ended = Movement::new(
        EntryKind::TrialEnded,
        Account::Trial,
        Account::TrialGrants,
        Amount::Answers(left),
        Subject::default(),
    );
    post(tx, &balance, KEY, vec![ended], at).await?;
    Ok(())
}

/// Empties the ledger of a workspace that is deleted: what is set aside is released, what is left
/// is written off. Its entries stay. A workspace without a ledger has nothing to close.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn close(
    tx: &mut Tx,
    workspace: WorkspaceId,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    empty(tx, workspace, at).await.map_err(damaged)
}

async fn empty(tx: &mut Tx, workspace: WorkspaceId, at: DateTime<Utc>) -> Result<()> {
    let Some(mut balance) = tx.workspace(workspace).ledger().lock().await? else {
        return Ok(());
    };
    let subject = Subject::default();
    for hold in tx.workspace(workspace).holds().list(u32::MAX).await? {
        let movements = spend::release(&hold, &subject);
        balance = post(tx, &balance, &format!("release:{}", hold.id), movements, at).await?;
        tx.workspace(workspace).holds().delete(hold.id).await?;
    }

    let credits = tx.workspace(workspace).credits().left().await?;
    let funds = balance.funds;
    let mut rest = Change::default();
    for (bucket, amount) in [(Bucket::Bonus, funds.bonus), (Bucket::Paid, funds.paid)] {
        // What was given goes back to where it came from.
        let target = if bucket == Bucket::Bonus { Account::Promo } else { Account::WrittenOff };
        let what = (EntryKind::WriteOff, target);
        let part = spend::withdraw(&funds, (bucket, amount), what, &credits, &subject);
        let part = part.map_err(Error::withdrawal(workspace))?;
        rest.movements.extend(part.movements);
        rest.drawn.extend(part.drawn);
    }
    if funds.trial > 0 {
        rest.movements.push(Movement::new(
            EntryKind::TrialEnded,
            Account::Trial,
            Account::TrialGrants,
            Amount::Answers(funds.trial),
            subject,
        ));
    }
    // A ledger can be closed again: something may have been credited in between.
    let key = format!("close:{}", balance.seq);
    make(tx, &balance, &key, rest, at).await?;
    Ok(())
}

/// Releases holds whose time is over, and that no turn will settle. Returns how many.
pub async fn release_expired(db: &Db, at: DateTime<Utc>) -> Result<u64, StorageError> {
    let mut released = 0;
    loop {
        let some = retried(|| release_some(db, at)).await?;
        released += some;
        if some < u64::from(TOGETHER) {
            return Ok(released);
        }
    }
}

async fn release_some(db: &Db, at: DateTime<Utc>) -> Result<u64, StorageError> {
    let mut tx = db.begin().await?;
    // By workspace, so that balances are locked in the order of their ids.
    let expired = tx.system().holds().expired(at, TOGETHER).await?;
    let of_turn = |hold: &Hold| Some((hold.workspace_id, hold.dialog_id?));
    let turns: Vec<_> = expired.iter().filter_map(of_turn).collect();
    // From now on nobody claims these turns, or settles them, until the transaction ends.
    let running: HashMap<DialogId, bool> =
        tx.system().turns().lock_each(&turns).await?.into_iter().collect();

    let mut released = 0;
    for hold in expired {
        let balance = lock(&mut tx, hold.workspace_id, at).await?;
        // It may have been settled or renewed while its balance was waited for.
        let hold = tx.workspace(hold.workspace_id).holds().find(hold.id).await?;
        released += 1;
        let Some(hold) = hold.filter(|hold| hold.expires_at <= at) else { continue };
        let runs = |dialog| running.get(&dialog).copied().unwrap_or_default();
        if hold.dialog_id.is_some_and(runs) {
            // Its process lives: one that has died has lost its turns.
            tx.workspace(hold.workspace_id).holds().renew(hold.id, at + LIFE).await?;
            continue;
        }

        let movements = spend::release(&hold, &Subject::default());
        let key = format!("release:{}", hold.id);
        post(&mut tx, &balance, &key, movements, at).await.map_err(damaged)?;
        tx.workspace(hold.workspace_id).holds().delete(hold.id).await?;
    }
    tx.commit().await?;
    Ok(released)
}

pub(crate) fn damaged(error: Error) -> StorageError {
    match error {
        Error::Storage(error) => error,
        error => StorageError::Corrupt { table: "ledger_holds", source: error.into() },
    }
}

fn capture_key(hold: HoldId) -> String {
    format!("capture:{hold}")
}

/// Posts what a change moves, and leaves less of the credits that it draws from.
async fn make(
    tx: &mut Tx,
    balance: &Balance,
    key: &str,
    change: Change,
    at: DateTime<Utc>,
) -> Result<Balance> {
    for (credit, amount) in change.drawn {
        tx.workspace(balance.workspace_id).credits().draw(credit, amount).await?;
    }
    post(tx, balance, key, change.movements, at).await
}

async fn post(
    tx: &mut Tx,
    balance: &Balance,
    key: &str,
    movements: Vec<Movement>,
    at: DateTime<Utc>,
) -> Result<Balance> {
    let posting = balance.post(key, movements, at)?;
    tx.workspace(balance.workspace_id).ledger().post(&posting).await?;
    Ok(posting.into_parts().1)
}
