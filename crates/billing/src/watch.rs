//! Tells owners of a balance that is low or used up and of a trial that ends: once, and again when
//! it happens again.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    ids::{JobId, WorkspaceId},
    ledger::{BalanceNotice, PriceVersion},
    mail::{self, Letter, Mail},
    money::Money,
    secret::Keys,
    setting,
};
use replyx_storage::{Db, StorageError, Tx, ledger::Watched, retried, tuning::Tuning};

use crate::{
    books, forecast, price,
    trial::{Trial, TrialStatus, Warning},
};

/// How many balances are looked at at once.
const TOGETHER: u32 = 500;

/// What decides whether a balance is low.
struct Measure {
    price: Money,
    /// A balance for fewer answers is low.
    least: i64,
    now: DateTime<Utc>,
}

impl Measure {
    fn of(prices: &[PriceVersion], tuning: &Tuning, now: DateTime<Utc>) -> Self {
        let price = price::in_force(prices, now);
        let price = price.map_or(Money::ZERO, |version| version.prices.answer);
        Self { price, least: tuning.int(setting::LOW_BALANCE_ANSWERS), now }
    }

    /// The answers that there are; `None`: they cost nothing.
    fn answers(&self, watched: &Watched) -> Option<i64> {
        let funds = watched.balance.funds;
        let money = forecast::answers_left(funds.available(), self.price)?;
        Some(money.saturating_add(funds.trial))
    }

    /// What the owners are to know.
    fn due(&self, watched: &Watched) -> HashSet<BalanceNotice> {
        let mut due = HashSet::new();
        if let Some(answers) = self.answers(watched) {
            if answers < self.least {
                due.insert(BalanceNotice::Low);
            }
            if answers == 0 {
                due.insert(BalanceNotice::Depleted);
            }
        }

        let warnings = trial(watched).map(|trial| trial.warnings(self.now)).unwrap_or_default();
        due.extend(warnings.into_iter().map(|warning| match warning {
            Warning::ThreeDays => BalanceNotice::TrialThreeDays,
            Warning::OneDay => BalanceNotice::TrialOneDay,
            Warning::FewAnswers => BalanceNotice::TrialFewAnswers,
        }));
        due
    }
}

fn trial(watched: &Watched) -> Option<Trial> {
    Trial::of(watched.trial.as_ref()?, watched.balance.funds.trial)
}

/// Tells owners what they have not been told. Returns of how many workspaces.
///
/// # Errors
///
/// Fails when the database does.
pub async fn watch(
    db: &Db,
    tuning: &Tuning,
    keys: &Keys,
    clock: &Clock,
) -> Result<u64, StorageError> {
    let mut told = 0;
    let mut after = None;
    loop {
        let mut tx = db.read().await?;
        let watched = tx.system().balance_notices().watched(after, TOGETHER).await?;
        let Some(last) = watched.last().map(|last| last.balance.workspace_id) else {
            return Ok(told);
        };
        let noted = tx.system().balance_notices().between(after, last).await?;
        let prices = tx.system().prices().list().await?;
        drop(tx);

        let mut known: BTreeMap<WorkspaceId, HashSet<BalanceNotice>> = BTreeMap::new();
        for (workspace, notice) in noted {
            known.entry(workspace).or_default().insert(notice);
        }
        let measure = Measure::of(&prices, tuning, clock.now());
        for one in watched {
            let workspace = one.balance.workspace_id;
            let known = known.remove(&workspace).unwrap_or_default();
            if changes(&measure.due(&one), &known).next().is_some() {
                told += retried(|| tell(db, &measure, (keys, clock), workspace)).await?;
            }
        }
        after = Some(last);
    }
}

/// What is to be told, and what is no longer so. That a trial was about to end stays known.
fn changes<'a>(
    due: &'a HashSet<BalanceNotice>,
    known: &'a HashSet<BalanceNotice>,
) -> impl Iterator<Item = BalanceNotice> + 'a {
    let over = known.difference(due).filter(|notice| notice.comes_again());
    due.difference(known).chain(over).copied()
}

async fn tell(
    db: &Db,
    measure: &Measure,
    (keys, clock): (&Keys, &Clock),
    workspace: WorkspaceId,
) -> Result<u64, StorageError> {
    let mut tx = db.begin().await?;
    let Some(found) = tx.system().workspaces().find(workspace).await? else { return Ok(0) };
    let balance = books::lock(&mut tx, workspace, measure.now).await?;
    let trial = tx.workspace(workspace).trials().find().await?;
    let watched = Watched { balance, trial };
    let known = tx.workspace(workspace).balance_notices().list().await?;
    let known: HashSet<BalanceNotice> = known.into_iter().collect();
    let due = measure.due(&watched);

    let mut new = HashSet::new();
    for notice in changes(&due, &known) {
        let notices = tx.workspace(workspace).balance_notices();
        if !due.contains(&notice) {
            notices.forget(notice).await?;
        } else if notices.note(notice, measure.now).await? {
            new.insert(notice);
        }
    }

    let currency = tx.system().prices().currency().await?.unwrap_or_default();
    let letters = letters(&new, measure, &watched, (&found.name, &currency));
    for letter in &letters {
        queue(&mut tx, workspace, letter, (keys, clock)).await?;
    }
    tx.commit().await?;
    Ok(u64::from(!letters.is_empty()))
}

/// One letter about the balance and one about the trial at most.
fn letters(
    new: &HashSet<BalanceNotice>,
    measure: &Measure,
    watched: &Watched,
    (name, currency): (&str, &str),
) -> Vec<Letter> {
    let workspace = || name.to_owned();
    let mut letters = Vec::new();
    if new.contains(&BalanceNotice::Depleted) {
        letters.push(Letter::BalanceDepleted { workspace: workspace() });
    } else if new.contains(&BalanceNotice::Low) {
        letters.push(Letter::BalanceLow {
            workspace: workspace(),
            available: format!("{} {currency}", watched.balance.funds.available()),
            answers: measure.answers(watched).unwrap_or_default(),
        });
    }

    let is_ending = new.iter().any(|notice| !notice.comes_again());
    let running = trial(watched).filter(|trial| trial.status(measure.now) == TrialStatus::Running);
    if let Some(trial) = running.filter(|_| is_ending) {
        letters.push(Letter::TrialEnding {
            workspace: workspace(),
            ends_at: trial.ends_at,
            answers: trial.answers_left,
        });
    }
    letters
}

async fn queue(
    tx: &mut Tx,
    workspace: WorkspaceId,
    letter: &Letter,
    (keys, clock): (&Keys, &Clock),
) -> Result<(), StorageError> {
    for (to, language) in tx.workspace(workspace).members().owners_mail().await? {
        let mail = Mail { to, language, letter: letter.clone() };
        let id: JobId = clock.id();
        let payload = mail::seal_payload(keys, id, &mail);
        let jobs = tx.system().jobs();
        jobs.enqueue(id, mail::KIND, &payload, Some(workspace), clock.now()).await?;
    }
    Ok(())
}
