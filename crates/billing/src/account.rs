//! What a workspace sees of its money.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use replyx_core::{
    ids::WorkspaceId,
    ledger::{Entry, Funds, PriceVersion},
    money::Money,
    page::{Page, PageRequest},
    setting,
};
use replyx_storage::{StorageError, Tx, ledger::EntryFilter};

use crate::{
    cx::{Cx, Mode},
    error::Result,
    forecast, price,
    trial::{Trial, TrialStatus},
};

/// What a workspace has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether anybody pays.
    pub mode: Mode,
    /// The currency.
    pub currency: String,
    /// What there is; nothing while nobody pays.
    pub funds: Funds,
    /// The trial; `None`: there never was one.
    pub trial: Option<(Trial, TrialStatus)>,
    /// For how many answers of the usual price the money is enough; `None`: they cost nothing.
    pub answers_left: Option<i64>,
    /// For how many days the money is enough, spent as on the days before; `None`: nothing was
    /// spent.
    pub days_left: Option<i64>,
    /// Whether that is fewer than the owner is warned of.
    pub is_low: bool,
}

/// What a workspace has.
pub async fn balance(cx: &Cx, workspace: WorkspaceId) -> Result<Account> {
    let currency = cx.settings.currency.clone();
    if cx.settings.mode == Mode::Off {
        let funds = Funds::default();
        return Ok(Account {
            mode: Mode::Off,
            currency,
            funds,
            trial: None,
            answers_left: None,
            days_left: None,
            is_low: false,
        });
    }

    let mut tx = cx.db.read().await?;
    let balance = tx.workspace(workspace).ledger().find().await?;
    let trial = tx.workspace(workspace).trials().find().await?;
    let prices = tx.system().prices().list().await?;
    let funds = balance.map(|balance| balance.funds).unwrap_or_default();
    let now = cx.clock.now();
    let trial = trial.and_then(|stored| Trial::of(&stored, funds.trial));
    let trial =
        trial.map(|trial| (trial.status(now), trial)).map(|(status, trial)| (trial, status));
    let price = price::in_force(&prices, now);
    let price = price.map_or(Money::ZERO, |version| version.prices.answer);

    let answers_left = forecast::answers_left(funds.available(), price);
    let least = cx.tuning.int(setting::LOW_BALANCE_ANSWERS);
    let is_low = answers_left.is_some_and(|left| left.saturating_add(funds.trial) < least);
    let days = spent(&mut tx, workspace, now).await?;
    let days_left = forecast::days_left(funds.available(), &days);
    Ok(Account { mode: Mode::On, currency, funds, trial, answers_left, days_left, is_low })
}

/// What was spent on each of the days before and on this one (UTC), the oldest first. Read from
/// what there was at the beginning of each day, so that it takes no longer where more was spent.
async fn spent(
    tx: &mut Tx,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
) -> Result<Vec<Money>, StorageError> {
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let before = i64::try_from(forecast::DAYS).unwrap_or(i64::MAX) - 1;
    let begin = |day: i64| midnight - TimeDelta::days(before - day);
    let added = tx.workspace(workspace).ledger().added_since(begin(0)).await?;

    let mut days = Vec::with_capacity(forecast::DAYS);
    let mut had = tx.workspace(workspace).ledger().total_before(begin(0)).await?;
    for day in 0..=before {
        let end = begin(day + 1);
        let has = tx.workspace(workspace).ledger().total_before(end).await?;
        let of_day = added.iter().filter(|(at, _)| (begin(day)..end).contains(at));
        let added: i64 = of_day.map(|(_, amount)| amount.micros()).sum();
        days.push(Money::from_micros((had.micros() + added - has.micros()).max(0)));
        had = has;
    }
    Ok(days)
}

/// The entries of a workspace, newest first. While nobody pays, those are shown that were made
/// before.
pub async fn entries(
    cx: &Cx,
    workspace: WorkspaceId,
    filter: &EntryFilter,
    page: PageRequest<i64>,
) -> Result<Page<Entry, i64>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.workspace(workspace).ledger().list(filter, page).await?)
}

/// The prices that are in force, and those that will be, in the order of their moments. Nothing
/// while nobody pays.
pub async fn prices(cx: &Cx) -> Result<Vec<PriceVersion>> {
    if cx.settings.mode == Mode::Off {
        return Ok(Vec::new());
    }
    let now = cx.clock.now();
    let all = cx.db.read().await?.system().prices().list().await?;
    let current = price::in_force(&all, now).map(|prices| prices.version);

    let mut shown: Vec<PriceVersion> = all
        .into_iter()
        .filter(|prices| Some(prices.version) == current || prices.in_force_from > now)
        .collect();
    shown.sort_by_key(|prices| (prices.in_force_from, prices.version));
    Ok(shown)
}
