//! What a workspace sees of its money.

use replyx_core::{
    ids::WorkspaceId,
    ledger::{Entry, Funds, PriceVersion},
    money::Money,
    page::{Page, PageRequest},
    setting,
};
use replyx_storage::ledger::EntryFilter;

use crate::{
    cx::{Cx, Mode},
    error::Result,
    price,
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
    /// For how many answers of the usual price the money is enough; `None`: they cost nothing.
    pub answers_left: Option<i64>,
    /// Whether that is fewer than the owner is warned of.
    pub is_low: bool,
}

/// What a workspace has.
pub async fn balance(cx: &Cx, workspace: WorkspaceId) -> Result<Account> {
    let currency = cx.settings.currency.clone();
    if cx.settings.mode == Mode::Off {
        let funds = Funds::default();
        return Ok(Account { mode: Mode::Off, currency, funds, answers_left: None, is_low: false });
    }

    let mut tx = cx.db.read().await?;
    let balance = tx.workspace(workspace).ledger().find().await?;
    let prices = tx.system().prices().list().await?;
    let funds = balance.map(|balance| balance.funds).unwrap_or_default();
    let price = price::in_force(&prices, cx.clock.now());
    let price = price.map_or(Money::ZERO, |version| version.prices.answer);

    let answers_left = crate::forecast::answers_left(funds.available(), price);
    let least = cx.tuning.int(setting::LOW_BALANCE_ANSWERS);
    let is_low = answers_left.is_some_and(|left| left.saturating_add(funds.trial) < least);
    Ok(Account { mode: Mode::On, currency, funds, answers_left, is_low })
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
