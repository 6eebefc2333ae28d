//! What something costs, by the prices and the rate in force at a moment.

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    ledger::{Original, PriceList, PriceVersion, RateVersion},
    money::Money,
};

/// The currency that providers of models charge in.
pub const DOLLARS: &str = "USD";

/// Why something has no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// Nobody knows what the model costs.
    #[error("the model `{0}` has no price")]
    Model(String),
    /// Dollars cannot be converted.
    #[error("there is no rate of the dollar that is fresh enough")]
    Rate,
    /// It is more than can be written down.
    #[error("the price does not fit")]
    TooMuch,
}

/// The prices of a new installation: an answer and a document cost 5.00 rubles, or 0.05 of any
/// other currency; tokens cost what the provider charges.
pub fn defaults(currency: &str) -> PriceList {
    let unit = Money::from_micros(if currency == "RUB" { 5_000_000 } else { 50_000 });
    PriceList {
        answer: unit,
        answer_by_channel: std::collections::BTreeMap::new(),
        document: unit,
        tokens: std::collections::BTreeMap::new(),
        margin_percent: 0,
        free_answers: 0,
        free_documents: 0,
    }
}

/// The prices that count at a moment: those that are in force since last, and of several since the
/// same moment those that were set last.
pub fn in_force(versions: &[PriceVersion], at: DateTime<Utc>) -> Option<&PriceVersion> {
    let began = versions.iter().filter(|prices| prices.in_force_from <= at);
    began.max_by_key(|prices| (prices.in_force_from, prices.version))
}

/// The rate that counts at a moment, unless it is older than `fresh`.
pub fn rate_at(
    versions: &[RateVersion],
    at: DateTime<Utc>,
    fresh: TimeDelta,
) -> Option<&RateVersion> {
    let began = versions.iter().filter(|rate| rate.in_force_from <= at);
    let newest = began.max_by_key(|rate| (rate.in_force_from, rate.version))?;
    (at - newest.in_force_from <= fresh).then_some(newest)
}

/// What an answer costs in a channel.
pub fn answer(prices: &PriceList, channel: &str) -> Money {
    prices.answer_by_channel.get(channel).copied().unwrap_or(prices.answer)
}

/// What tokens of a model cost: its own price, or what its provider charges with the margin. `cost`
/// is what the provider charges, in the installation's currency; `None`: nobody knows.
///
/// # Errors
///
/// [`NoPrice::Model`] when neither is known.
pub fn tokens(
    prices: &PriceList,
    model: &str,
    (prompt, completion): (u64, u64),
    cost: Option<Money>,
) -> Result<Money, NoPrice> {
    if let Some(price) = prices.tokens.get(model) {
        let prompt = thousands(price.prompt, prompt)?;
        let completion = thousands(price.completion, completion)?;
        return prompt.checked_add(completion).ok_or(NoPrice::TooMuch);
    }
    let cost = cost.ok_or_else(|| NoPrice::Model(model.to_owned()))?;
    let percent = 100 + i128::from(prices.margin_percent);
    rounded_up(i128::from(cost.micros()) * percent, 100)
}

/// What `count` tokens cost of which 1,000 cost this much, rounded up.
fn thousands(price: Money, count: u64) -> Result<Money, NoPrice> {
    let exact = i128::from(price.micros()).checked_mul(i128::from(count));
    rounded_up(exact.ok_or(NoPrice::TooMuch)?, 1_000)
}

fn rounded_up(exact: i128, divisor: i128) -> Result<Money, NoPrice> {
    let whole = exact.div_euclid(divisor) + i128::from(exact.rem_euclid(divisor) != 0);
    i64::try_from(whole).map(Money::from_micros).map_err(|_| NoPrice::TooMuch)
}

/// Dollars in the installation's currency, rounded up, with what an entry keeps of it.
///
/// # Errors
///
/// [`NoPrice::Rate`] when there is no rate and the currency is not the dollar.
pub fn converted(
    dollars: Money,
    currency: &str,
    rate: Option<&RateVersion>,
) -> Result<(Money, Option<Original>), NoPrice> {
    if currency == DOLLARS {
        return Ok((dollars, None));
    }
    let rate = rate.ok_or(NoPrice::Rate)?.rate;
    let exact = i128::from(dollars.micros()) * i128::from(rate.micros());
    let amount = rounded_up(exact, 1_000_000)?;
    let original = Original { amount: dollars, currency: DOLLARS.to_owned(), rate };
    Ok((amount, Some(original)))
}

#[cfg(test)]
mod tests {
    use replyx_core::ledger::TokenPrice;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn micros(micros: i64) -> Money {
        Money::from_micros(micros)
    }

    fn version(version: i64, from: i64) -> PriceVersion {
        PriceVersion {
            version,
            in_force_from: at(from),
            prices: defaults("USD"),
            set_by: "root".to_owned(),
            created_at: at(0),
        }
    }

    fn rate(version: i64, from: i64, rate: i64) -> RateVersion {
        RateVersion {
            version,
            in_force_from: at(from),
            rate: micros(rate),
            set_by: "root".to_owned(),
            created_at: at(0),
        }
    }

    #[test]
    fn prices_count_from_their_moment_until_the_next_ones_do() {
        let versions = [version(1, 10), version(2, 30), version(3, 20), version(4, 20)];
        let found = |seconds| in_force(&versions, at(seconds)).map(|prices| prices.version);
        assert_eq!(
            [9, 10, 19, 20, 29, 30, 99].map(found),
            [None, Some(1), Some(1), Some(4), Some(4), Some(2), Some(2)]
        );
    }

    #[test]
    fn a_rate_that_is_too_old_is_none() {
        let rates = [rate(1, 0, 90_000_000), rate(2, 100, 95_000_000)];
        let found =
            |seconds| rate_at(&rates, at(seconds), TimeDelta::seconds(50)).map(|rate| rate.version);
        assert_eq!(
            [0, 50, 51, 100, 150, 151].map(found),
            [Some(1), Some(1), None, Some(2), Some(2), None]
        );
    }

    #[test]
    fn a_channel_may_have_its_own_price() {
        let mut prices = defaults("RUB");
        prices.answer_by_channel.insert("api".to_owned(), micros(1));
        assert_eq!(answer(&prices, "api"), micros(1));
        assert_eq!(answer(&prices, "telegram"), micros(5_000_000));
        assert_eq!(defaults("EUR").document, micros(50_000));
    }

    #[test]
    fn tokens_cost_their_own_price_or_that_of_the_provider_with_the_margin() {
        let mut prices = PriceList { margin_percent: 20, ..defaults("USD") };
        let price = TokenPrice { prompt: micros(3), completion: micros(1_000) };
        prices.tokens.insert("own".to_owned(), price);
        // 3 micro-units for a thousand tokens: the first token costs one, as do 333.
        assert_eq!(tokens(&prices, "own", (1, 0), None), Ok(micros(1)));
        assert_eq!(tokens(&prices, "own", (333, 2), None), Ok(micros(3)));
        assert_eq!(tokens(&prices, "own", (0, 0), Some(micros(9))), Ok(micros(0)));
        assert_eq!(tokens(&prices, "other", (1, 1), Some(micros(101))), Ok(micros(122)));
        let unknown = Err(NoPrice::Model("other".to_owned()));
        assert_eq!(tokens(&prices, "other", (1, 1), None), unknown);
        assert_eq!(tokens(&prices, "own", (0, u64::MAX), None), Err(NoPrice::TooMuch));
    }

    #[test]
    fn dollars_are_converted_with_what_is_needed_to_check_it() {
        assert_eq!(converted(micros(7), "USD", None), Ok((micros(7), None)));
        assert_eq!(converted(micros(7), "RUB", None), Err(NoPrice::Rate));
        let (amount, original) =
            converted(micros(7), "RUB", Some(&rate(1, 0, 90_500_001))).unwrap();
        assert_eq!(amount, micros(634));
        let original = original.unwrap();
        assert_eq!((original.amount, original.rate), (micros(7), micros(90_500_001)));
        assert_eq!(original.currency, "USD");
    }
}
