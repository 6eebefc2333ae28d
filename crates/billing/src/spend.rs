//! Reserve, capture, release: what is spent first, and never more than there is.
//!
//! Before work begins, the most that it may cost is set aside ([`reserve`], [`set_aside`]). When it
//! is done, its price is spent and the rest is available again ([`capture`]); when it failed, all
//! of it ([`release`]). What was spent for nothing is given back ([`give_back`]).

use replyx_core::{
    ids::{CreditId, HoldId},
    ledger::{
        Account, Amount, Bucket, Credit, Entry, EntryKind, Funds, Hold, Movement, Reserved, Subject,
    },
    money::Money,
};

/// Whether the trial pays for this work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialPays {
    /// It runs, and has answers for this kind of work.
    Yes,
    /// It is over, or not for this kind of work.
    No,
}

/// There is not enough money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{needed}` are needed and `{available}` are available")]
pub struct Insufficient {
    /// The money that can be spent.
    pub available: Money,
    /// The most that the work may cost.
    pub needed: Money,
}

/// What credits do not cover what the balance says: the ledger is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credits of `{bucket}` lack `{missing}` of what its balance says")]
pub struct CreditShortfall {
    /// Which kind of money.
    pub bucket: Bucket,
    /// How much no credit covers.
    pub missing: Money,
}

/// What a change does: the movements, and what then remains of the credits that it touches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// What moves.
    pub movements: Vec<Movement>,
    /// By how much less remains of credits; a negative amount is given back.
    pub drawn: Vec<(CreditId, Money)>,
}

/// Decides what pays for work that costs at most `needed`: an answer of the trial, then money that
/// was given, then money that was paid.
///
/// # Errors
///
/// [`Insufficient`] when all of them together are not enough.
pub fn reserve(funds: &Funds, needed: Money, trial: TrialPays) -> Result<Reserved, Insufficient> {
    if needed <= Money::ZERO {
        return Ok(Reserved::default());
    }
    if trial == TrialPays::Yes && funds.trial > 0 {
        return Ok(Reserved { answers: 1, ..Reserved::default() });
    }

    let bonus = funds.bonus.min(needed);
    let rest = Money::from_micros(needed.micros() - bonus.micros());
    if rest > funds.paid {
        return Err(Insufficient { available: funds.available(), needed });
    }
    Ok(Reserved { answers: 0, bonus, paid: rest })
}

/// Sets aside what was decided.
pub fn set_aside(hold: &Hold, subject: &Subject) -> Vec<Movement> {
    let Reserved { answers, bonus, paid } = hold.reserved;
    let moving = |source, amount| {
        of_hold(hold.id, EntryKind::Hold, source, Account::Held, amount, subject.clone())
    };
    some([
        answers_or_none(answers).map(|amount| moving(Account::Trial, amount)),
        money_or_none(bonus).map(|amount| moving(Account::Bonus, amount)),
        money_or_none(paid).map(|amount| moving(Account::Paid, amount)),
    ])
}

/// Makes all that was set aside available again.
pub fn release(hold: &Hold, subject: &Subject) -> Vec<Movement> {
    released(hold, hold.reserved, subject)
}

/// Spends the price of what was set aside, never more than that, and makes the rest available
/// again. Money that was given is spent first, and of each kind the oldest credit. `credits` are
/// those of the workspace of which something remains.
///
/// # Errors
///
/// [`CreditShortfall`] when they do not cover what is set aside.
pub fn capture(
    hold: &Hold,
    price: Money,
    credits: &[Credit],
    subject: &Subject,
) -> Result<Change, CreditShortfall> {
    let price = price.clamp(Money::ZERO, hold.reserved.money());
    let bonus = hold.reserved.bonus.min(price);
    let paid = Money::from_micros(price.micros() - bonus.micros());
    let mut change = Change::default();

    if let Some(amount) = answers_or_none(hold.reserved.answers) {
        let target = Account::TrialSpent;
        change.movements.push(of_hold(
            hold.id,
            EntryKind::Capture,
            Account::Held,
            target,
            amount,
            subject.clone(),
        ));
    }
    for (bucket, amount) in [(Bucket::Bonus, bonus), (Bucket::Paid, paid)] {
        for (credit, part) in draw(credits, bucket, amount)? {
            let mut movement = of_hold(
                hold.id,
                EntryKind::Capture,
                Account::Held,
                bucket.spent(),
                Amount::Money(part),
                subject.clone(),
            );
            movement.credit_id = Some(credit);
            change.movements.push(movement);
            change.drawn.push((credit, part));
        }
    }

    let rest = Reserved {
        answers: 0,
        bonus: Money::from_micros(hold.reserved.bonus.micros() - bonus.micros()),
        paid: Money::from_micros(hold.reserved.paid.micros() - paid.micros()),
    };
    change.movements.extend(released(hold, rest, subject));
    Ok(change)
}

/// Gives back what these entries captured. Others among them are left alone.
pub fn give_back(captured: &[Entry], subject: &Subject) -> Change {
    let mut change = Change::default();
    for entry in captured.iter().filter(|entry| entry.movement.kind == EntryKind::Capture) {
        let Movement { target, amount, hold_id, credit_id, .. } = entry.movement;
        let back = match target {
            Account::TrialSpent => Account::Trial,
            Account::BonusSpent => Account::Bonus,
            _ => Account::Paid,
        };

        let mut movement =
            Movement::new(EntryKind::GivenBack, target, back, amount, subject.clone());
        movement.hold_id = hold_id;
        movement.credit_id = credit_id;
        change.movements.push(movement);
        if let Some(credit) = credit_id {
            let given_back = Money::from_micros(-amount.money().micros());
            change.drawn.push((credit, given_back));
        }
    }
    change
}

/// Adds a credit.
pub fn add(credit: &Credit, kind: EntryKind, subject: &Subject) -> Movement {
    let amount = Amount::Money(credit.amount);
    let target = credit.source.bucket().account();
    let mut movement =
        Movement::new(kind, credit.source.account(), target, amount, subject.clone());
    movement.credit_id = Some(credit.id);
    movement
}

/// Takes money of one kind that is not set aside, the oldest credit first, for what is no work: a
/// refund, a correction, a deletion.
///
/// # Errors
///
/// [`Withdrawal::Insufficient`] when less is available.
pub fn withdraw(
    funds: &Funds,
    (bucket, amount): (Bucket, Money),
    (kind, target): (EntryKind, Account),
    credits: &[Credit],
    subject: &Subject,
) -> Result<Change, Withdrawal> {
    let available = match bucket {
        Bucket::Bonus => funds.bonus,
        Bucket::Paid => funds.paid,
    };
    if amount > available {
        return Err(Insufficient { available, needed: amount }.into());
    }

    let drawn = draw(credits, bucket, amount)?;
    let movements = drawn.iter().map(|(credit, part)| {
        let amount = Amount::Money(*part);
        let mut movement = Movement::new(kind, bucket.account(), target, amount, subject.clone());
        movement.credit_id = Some(*credit);
        movement
    });
    Ok(Change { movements: movements.collect(), drawn })
}

/// Money cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withdrawal {
    /// Less is available.
    #[error(transparent)]
    Insufficient(#[from] Insufficient),
    /// The ledger is damaged.
    #[error(transparent)]
    Uncovered(#[from] CreditShortfall),
}

/// Which credits pay an amount: the oldest first, and of equally old ones in the order of their
/// ids.
fn draw(
    credits: &[Credit],
    bucket: Bucket,
    amount: Money,
) -> Result<Vec<(CreditId, Money)>, CreditShortfall> {
    let mut left = amount;
    let mut drawn = Vec::new();
    let mut ours: Vec<_> =
        credits.iter().filter(|credit| credit.source.bucket() == bucket).collect();
    ours.sort_by_key(|credit| (credit.created_at, credit.id));

    for credit in ours {
        let part = credit.remaining.min(left);
        if part > Money::ZERO {
            drawn.push((credit.id, part));
            left = Money::from_micros(left.micros() - part.micros());
        }
    }

    if left > Money::ZERO { Err(CreditShortfall { bucket, missing: left }) } else { Ok(drawn) }
}

fn released(hold: &Hold, what: Reserved, subject: &Subject) -> Vec<Movement> {
    let moving = |target, amount| {
        of_hold(hold.id, EntryKind::Release, Account::Held, target, amount, subject.clone())
    };
    some([
        answers_or_none(what.answers).map(|amount| moving(Account::Trial, amount)),
        money_or_none(what.bonus).map(|amount| moving(Account::Bonus, amount)),
        money_or_none(what.paid).map(|amount| moving(Account::Paid, amount)),
    ])
}

fn of_hold(
    hold: HoldId,
    kind: EntryKind,
    source: Account,
    target: Account,
    amount: Amount,
    subject: Subject,
) -> Movement {
    let mut movement = Movement::new(kind, source, target, amount, subject);
    movement.hold_id = Some(hold);
    movement
}

fn money_or_none(money: Money) -> Option<Amount> {
    (money > Money::ZERO).then_some(Amount::Money(money))
}

fn answers_or_none(answers: i64) -> Option<Amount> {
    (answers > 0).then_some(Amount::Answers(answers))
}

fn some<const N: usize>(movements: [Option<Movement>; N]) -> Vec<Movement> {
    movements.into_iter().flatten().collect()
}
