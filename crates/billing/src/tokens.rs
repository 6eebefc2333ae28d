//! What pays for tokens: previews and evaluations. The most that they may cost is set aside before
//! a model is asked, and what the calls cost is spent when they are known.
//!
//! While a trial runs they cost nothing: what models may cost during a trial is bounded.

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    ledger::{Facts, Hold, HoldPurpose, Original, PriceVersion, RateVersion, Subject},
    money::Money,
    usage::ModelCall,
};
use replyx_storage::{Db, StorageError, Tx, repeated};

use crate::{
    books::{self, LIFE, Need, damaged},
    error::{Error, Result},
    price,
    spend::TrialPays,
    trial::{Trial, TrialStatus},
};

/// How old the rate of the dollar may be.
const FRESH: TimeDelta = TimeDelta::days(30);

/// Tokens that a model may read and write.
#[derive(Clone, Debug)]
pub struct TokenNeed {
    /// Who pays.
    pub workspace_id: WorkspaceId,
    /// Who answers.
    pub assistant_id: AssistantId,
    /// What it is for.
    pub purpose: HoldPurpose,
    /// The model.
    pub model: String,
    /// The most tokens that it reads and writes.
    pub most: (u64, u64),
    /// What its provider charges for them, US dollars; `None`: nobody knows.
    pub cost: Option<Money>,
}

/// Sets aside the most that tokens may cost. `None`: they cost nothing.
///
/// # Errors
///
/// [`Error::Insufficient`], and [`Error::NoPrice`] when nobody knows what they cost.
pub async fn hold(db: &Db, need: &TokenNeed, clock: &Clock) -> Result<Option<Hold>> {
    repeated(|| async {
        let now = clock.now();
        let workspace = need.workspace_id;
        let mut tx = db.begin().await?;
        let balance = books::lock(&mut tx, workspace, now).await?;
        let stored = tx.workspace(workspace).trials().find().await?;
        let trial = stored.and_then(|stored| Trial::of(&stored, balance.funds.trial));
        if trial.is_some_and(|trial| trial.status(now) == TrialStatus::Running) {
            return Ok(None);
        }

        let prices = tx.system().prices().list().await?;
        let Some(prices) = price::in_force(&prices, now) else { return Ok(None) };
        let rates = Rates::of(&mut tx).await?;
        let rate = price::rate_at(&rates.versions, now, FRESH);
        let cost = need.cost.map(|cost| price::converted(cost, &rates.currency, rate));
        let cost = cost.transpose()?.map(|(amount, _)| amount);
        let most = price::tokens(&prices.prices, &need.model, need.most, cost)?;
        if most <= Money::ZERO {
            return Ok(None);
        }

        let need = Need {
            workspace_id: workspace,
            id: clock.id(),
            purpose: need.purpose,
            dialog_id: None,
            most,
            price_version: prices.version,
            trial: TrialPays::No,
            until: now + LIFE,
            subject: Subject {
                assistant_id: Some(need.assistant_id),
                facts: Facts {
                    channel: Some(need.purpose.as_str().to_owned()),
                    model: Some(need.model.clone()),
                    price_version: Some(prices.version),
                    ..Facts::default()
                },
                ..Subject::default()
            },
        };
        let hold = books::hold(&mut tx, &need, now).await?;
        tx.commit().await?;
        Ok(Some(hold))
    })
    .await
}

/// Spends what calls of models cost, never more than was set aside, and makes the rest available
/// again. A hold that was released in the meantime pays nothing.
///
/// # Errors
///
/// Fails when the database does, or when the ledger is damaged.
pub async fn settle(
    tx: &mut Tx,
    hold: &Hold,
    calls: &[ModelCall],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let prices = tx.system().prices().list().await?;
    let prices = prices.iter().find(|prices| prices.version == hold.price_version);
    let rates = Rates::of(tx).await?;
    let price = match prices {
        Some(prices) => price_of(calls, prices, &rates, hold.taken_at),
        None => Money::ZERO,
    };

    let dollars = calls.iter().fold(Money::ZERO, |sum, call| sum + call.cost);
    let original = price::converted(dollars, &rates.currency, rates.at(hold.taken_at));
    let subject = Subject {
        assistant_id: calls.iter().find_map(|call| call.assistant_id),
        facts: facts(hold, calls, original.ok().and_then(|(_, original)| original)),
        ..Subject::default()
    };
    let of = (hold.workspace_id, hold.id);
    match books::capture(tx, of, price, &subject, now).await {
        Ok(_) | Err(Error::NoHold) => Ok(()),
        Err(error) => Err(damaged(error)),
    }
}

/// A call of a model that nobody knows the price of costs nothing: the model that was asked for has
/// one.
fn price_of(calls: &[ModelCall], prices: &PriceVersion, rates: &Rates, at: DateTime<Utc>) -> Money {
    let rate = rates.at(at);
    calls.iter().fold(Money::ZERO, |sum, call| {
        let tokens = (call.prompt_tokens, call.completion_tokens);
        let cost = price::converted(call.cost, &rates.currency, rate).ok();
        let cost = cost.map(|(amount, _)| amount);
        sum + price::tokens(&prices.prices, &call.model, tokens, cost).unwrap_or(Money::ZERO)
    })
}

fn facts(hold: &Hold, calls: &[ModelCall], original: Option<Original>) -> Facts {
    let sum = |of: fn(&ModelCall) -> u64| calls.iter().map(of).fold(0, u64::saturating_add);
    Facts {
        channel: Some(hold.purpose.as_str().to_owned()),
        model: calls.last().map(|call| call.model.clone()),
        prompt_tokens: Some(sum(|call| call.prompt_tokens)),
        completion_tokens: Some(sum(|call| call.completion_tokens)),
        price_version: Some(hold.price_version),
        original,
        ..Facts::default()
    }
}

/// What a dollar is worth.
struct Rates {
    currency: String,
    versions: Vec<RateVersion>,
}

impl Rates {
    async fn of(tx: &mut Tx) -> Result<Self, StorageError> {
        let currency = tx.system().prices().currency().await?;
        let versions = tx.system().prices().rates().await?;
        Ok(Self { currency: currency.unwrap_or_else(|| price::DOLLARS.to_owned()), versions })
    }

    /// The rate of a moment, however old it was then.
    fn at(&self, at: DateTime<Utc>) -> Option<&RateVersion> {
        price::rate_at(&self.versions, at, TimeDelta::MAX)
    }
}
