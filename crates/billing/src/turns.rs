//! What pays for turns: set aside when they are claimed, spent when their replies are stored,
//! available again when nothing is charged.
//!
//! Both take many turns at once, and lock the balances of their workspaces in the order of their
//! ids. The caller holds the locks of the turns, and waits for no other lock afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    ids::{CreditId, DialogId, HoldId, MessageId, WorkspaceId},
    ledger::{
        Balance, Credit, Entry, EntryKind, Facts, Hold, HoldPurpose, Movement, Payment, Reserved,
        Subject,
    },
    money::Money,
    page::PageRequest,
};
use replyx_storage::{
    StorageError, Tx,
    ledger::{EntryFilter, LockedBalance, TurnTerms},
};

use crate::{
    books::{self, LIFE, damaged},
    error::Error,
    price,
    spend::{self, Change, TrialPays},
};

/// How a turn ended that had something set aside.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The dialog that it answered.
    pub dialog_id: DialogId,
    /// What was set aside.
    pub hold_id: HoldId,
    /// What becomes of it.
    pub end: End,
    /// What it was for.
    pub subject: Subject,
}

/// What becomes of what was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer is charged.
    Charged,
    /// Nothing is.
    Free,
}

/// Sets aside what answers to these dialogs cost. A dialog that has a hold keeps it, with its
/// prices, for longer. Returns what pays for each; one that is not named is gone.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn hold(
    tx: &mut Tx,
    turns: &[(WorkspaceId, DialogId)],
    clock: &Clock,
) -> Result<HashMap<DialogId, Payment>, StorageError> {
    let now = clock.now();
    let workspaces: BTreeSet<WorkspaceId> = turns.iter().map(|(id, _)| *id).collect();
    let mut balances = lock(tx, workspaces, now).await?;
    let terms = tx.system().ledger().terms_each(turns, now).await?;
    let mut terms: HashMap<DialogId, TurnTerms> =
        terms.into_iter().map(|terms| (terms.dialog_id, terms)).collect();

    let mut payments = HashMap::new();
    let mut new = New::default();
    let mut renewed = Vec::new();
    for (workspace, dialog) in turns {
        let Some(terms) = terms.remove(dialog) else { continue };
        let Some(locked) = balances.get_mut(workspace) else { continue };
        let payment = match terms.hold {
            Some(hold) => {
                renewed.push((*workspace, hold));
                Payment::Held(hold)
            }
            None => new.reserve(locked, &terms, clock, now)?,
        };
        payments.insert(*dialog, payment);
    }

    tx.system().ledger().post_each(&new.entries).await?;
    tx.system().ledger().hold_each(&new.holds).await?;
    tx.system().ledger().renew_each(&renewed, now + LIFE).await?;
    Ok(payments)
}

/// What is set aside, not stored yet.
#[derive(Default)]
struct New {
    entries: Vec<Entry>,
    holds: Vec<Hold>,
}

impl New {
    fn reserve(
        &mut self,
        locked: &mut LockedBalance,
        terms: &TurnTerms,
        clock: &Clock,
        now: DateTime<Utc>,
    ) -> Result<Payment, StorageError> {
        let price = price::answer(&terms.prices, &terms.channel);
        if price <= Money::ZERO {
            return Ok(Payment::Free);
        }
        let is_over = locked.trial_ends_at.is_some_and(|end| end <= now);
        let trial = if is_over { TrialPays::No } else { TrialPays::Yes };
        let Ok(reserved) = spend::reserve(&locked.balance.funds, price, trial) else {
            return Ok(Payment::Lacking);
        };

        let hold = Hold {
            id: clock.id(),
            workspace_id: locked.balance.workspace_id,
            purpose: HoldPurpose::Answer,
            dialog_id: Some(terms.dialog_id),
            reserved,
            price_version: terms.price_version,
            taken_at: now,
            expires_at: now + LIFE,
        };
        let subject = Subject {
            assistant_id: Some(terms.assistant_id),
            dialog_id: Some(terms.dialog_id),
            message_id: None,
            facts: Facts {
                channel: Some(terms.channel.clone()),
                price_version: Some(terms.price_version),
                ..Facts::default()
            },
        };
        let key = format!("hold:{}", hold.id);
        let movements = spend::set_aside(&hold, &subject);
        self.entries.extend(post(&mut locked.balance, &key, movements, now)?);

        let payment = Payment::Held(hold.id);
        self.holds.push(hold);
        Ok(payment)
    }
}

/// Spends what was set aside for answers, and makes available again what was set aside for nothing.
/// The caller has ended the turns, so that nobody does it twice. Returns the dialogs whose answer
/// cannot be paid: what was set aside for them is gone, and there is not enough to do so again.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn settle(
    tx: &mut Tx,
    ended: Vec<Ended>,
    clock: &Clock,
) -> Result<Vec<DialogId>, StorageError> {
    let now = clock.now();
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let workspaces: BTreeSet<WorkspaceId> = ended.iter().map(|turn| turn.workspace_id).collect();
    let balances = lock(tx, workspaces, now).await?;
    let which: Vec<_> = ended.iter().map(|turn| (turn.workspace_id, turn.hold_id)).collect();
    let held = tx.system().ledger().take_each(&which).await?;
    let mut held: HashMap<HoldId, Hold> = held.into_iter().map(|hold| (hold.id, hold)).collect();

    let mut going = Vec::new();
    let mut lost = Vec::new();
    for turn in ended {
        match held.remove(&turn.hold_id) {
            Some(hold) => going.push((turn, hold)),
            None if turn.end == End::Charged => lost.push(turn),
            // It was released before.
            None => {}
        }
    }
    Settling { tx, now, balances }.write(going).await?;

    if lost.is_empty() { Ok(Vec::new()) } else { again(tx, lost, clock).await }
}

/// Makes available again what was set aside for a turn that ends without a reply, or that waits
/// indefinitely.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn release(
    tx: &mut Tx,
    (workspace, dialog): (WorkspaceId, DialogId),
    hold: HoldId,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let subject = Subject { dialog_id: Some(dialog), ..Subject::default() };
    books::release(tx, (workspace, hold), &subject, at).await.map_err(damaged)?;
    Ok(())
}

/// Gives back what was spent for a reply that reaches nobody, once.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn give_back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    message: MessageId,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let filter = EntryFilter {
        kind: Some(EntryKind::Capture),
        message_id: Some(message),
        ..EntryFilter::default()
    };
    // An answer is paid from few credits.
    let page = PageRequest { after: None, limit: 100 };
    let captured = tx.workspace(workspace).ledger().list(&filter, page).await?;
    let Some(first) = captured.items.into_iter().next() else { return Ok(()) };
    let Some(hold) = first.movement.hold_id else { return Ok(()) };

    let subject = first.movement.subject;
    books::give_back(tx, (workspace, hold), &subject, at).await.map_err(damaged)?;
    Ok(())
}

/// Sets aside once more what was released under a turn, and spends it.
async fn again(
    tx: &mut Tx,
    lost: Vec<Ended>,
    clock: &Clock,
) -> Result<Vec<DialogId>, StorageError> {
    let now = clock.now();
    let which: Vec<_> = lost.iter().map(|turn| (turn.workspace_id, turn.dialog_id)).collect();
    let payments = hold(tx, &which, clock).await?;

    let mut unpaid = Vec::new();
    for turn in lost {
        match payments.get(&turn.dialog_id) {
            Some(Payment::Held(hold)) => {
                let of = (turn.workspace_id, *hold);
                let found = tx.workspace(turn.workspace_id).holds().find(*hold).await?;
                let price = found.map_or(Money::ZERO, |hold| hold.reserved.money());
                books::capture(tx, of, price, &turn.subject, now).await.map_err(damaged)?;
            }
            Some(Payment::Free) => {}
            Some(Payment::Lacking) | None => unpaid.push(turn.dialog_id),
        }
    }
    Ok(unpaid)
}

struct Settling<'t> {
    tx: &'t mut Tx,
    now: DateTime<Utc>,
    balances: BTreeMap<WorkspaceId, LockedBalance>,
}

impl Settling<'_> {
    async fn write(mut self, going: Vec<(Ended, Hold)>) -> Result<(), StorageError> {
        // Answers of a trial draw from no credit.
        let spends = |(turn, hold): &(Ended, Hold)| {
            turn.end == End::Charged && hold.reserved.money() > Money::ZERO
        };
        let spending: BTreeSet<WorkspaceId> =
            going.iter().filter(|one| spends(one)).map(|(turn, _)| turn.workspace_id).collect();
        let spending: Vec<WorkspaceId> = spending.into_iter().collect();
        let mut credits = Credits::of(self.tx.system().ledger().credits_each(&spending).await?);

        let mut entries = Vec::new();
        for (turn, hold) in going {
            let Some(locked) = self.balances.get_mut(&turn.workspace_id) else { continue };
            let (key, movements) = match turn.end {
                End::Free => ("release", spend::release(&hold, &turn.subject)),
                End::Charged => ("capture", credits.capture(&hold, &turn.subject)?),
            };
            let key = format!("{key}:{}", hold.id);
            entries.extend(post(&mut locked.balance, &key, movements, self.now)?);
        }

        self.tx.system().ledger().draw_each(&credits.drawn()).await?;
        self.tx.system().ledger().post_each(&entries).await
    }
}

/// The credits of workspaces, and what is drawn from them.
struct Credits {
    left: BTreeMap<WorkspaceId, Vec<Credit>>,
    drawn: BTreeMap<(WorkspaceId, CreditId), Money>,
}

impl Credits {
    fn of(credits: Vec<Credit>) -> Self {
        let mut left: BTreeMap<WorkspaceId, Vec<Credit>> = BTreeMap::new();
        for credit in credits {
            left.entry(credit.workspace_id).or_default().push(credit);
        }
        Self { left, drawn: BTreeMap::new() }
    }

    /// Spends all of a hold: it is the price.
    fn capture(&mut self, hold: &Hold, subject: &Subject) -> Result<Vec<Movement>, StorageError> {
        let workspace = hold.workspace_id;
        let credits = self.left.entry(workspace).or_default();
        let Reserved { bonus, paid, .. } = hold.reserved;
        let Change { movements, drawn } = spend::capture(hold, bonus + paid, credits, subject)
            .map_err(|source| damaged(Error::Damaged { workspace, source }))?;

        for (id, amount) in drawn {
            if let Some(credit) = credits.iter_mut().find(|credit| credit.id == id) {
                credit.remaining = Money::from_micros(credit.remaining.micros() - amount.micros());
            }
            let sum = self.drawn.entry((workspace, id)).or_insert(Money::ZERO);
            *sum = *sum + amount;
        }
        Ok(movements)
    }

    fn drawn(&self) -> Vec<(WorkspaceId, CreditId, Money)> {
        self.drawn.iter().map(|((workspace, id), amount)| (*workspace, *id, *amount)).collect()
    }
}

/// Locks the balances, in the order of their workspaces. A workspace that has none gets one.
async fn lock(
    tx: &mut Tx,
    workspaces: BTreeSet<WorkspaceId>,
    at: DateTime<Utc>,
) -> Result<BTreeMap<WorkspaceId, LockedBalance>, StorageError> {
    let ids: Vec<WorkspaceId> = workspaces.iter().copied().collect();
    let locked = tx.system().ledger().lock_each(&ids).await?;
    let mut balances: BTreeMap<WorkspaceId, LockedBalance> =
        locked.into_iter().map(|locked| (locked.balance.workspace_id, locked)).collect();

    for id in ids {
        if let btree_map::Entry::Vacant(missing) = balances.entry(id) {
            let balance = books::lock(tx, id, at).await?;
            missing.insert(LockedBalance { balance, trial_ends_at: None });
        }
    }
    Ok(balances)
}

/// Makes entries, and moves the balance on.
fn post(
    balance: &mut Balance,
    key: &str,
    movements: Vec<Movement>,
    at: DateTime<Utc>,
) -> Result<Vec<Entry>, StorageError> {
    let posting = balance.post(key, movements, at).map_err(|error| damaged(error.into()))?;
    let (entries, after) = posting.into_parts();
    *balance = after;
    Ok(entries)
}
