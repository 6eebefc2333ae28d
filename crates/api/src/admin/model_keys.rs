//! Keys to providers of models. A secret comes in once and is never shown again.

pub mod create;
pub mod delete;
pub mod list;
pub mod update;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use replyx_core::money::Money;
use replyx_storage::{
    StorageError, Tx,
    model_calls::{KeyUsage, ModelUsage},
    model_keys::ModelKey,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How much of a secret is shown for recognising it, bytes.
const HINT: usize = 4;
/// Of a shorter secret nothing is shown, bytes.
const HINTED: usize = 16;

/// A key to a provider of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelKeyView {
    id: Uuid,
    /// The provider's name.
    #[schema(example = "openai")]
    provider: String,
    /// The origin for which it was given: while the provider is anywhere else it is not used.
    /// `null` for a key that is older than this rule.
    #[schema(example = "https://api.openai.com:443")]
    origin: Option<String>,
    /// Its display name.
    #[schema(example = "Main account")]
    name: String,
    /// The last characters of its secret; empty for a short one.
    #[schema(example = "x9Qk")]
    hint: String,
    /// The priority: the lowest number is used first.
    #[schema(example = 0)]
    priority: i64,
    /// The most requests in a day (UTC).
    #[schema(example = 10_000)]
    daily_requests: Option<i64>,
    /// The most requests in a month (UTC).
    #[schema(example = 200_000)]
    monthly_requests: Option<i64>,
    /// The most money in a day (UTC), US dollars, a decimal number.
    #[schema(example = "5.00")]
    daily_cost: Option<String>,
    /// The most money in a month (UTC), US dollars, a decimal number.
    #[schema(example = "100.00")]
    monthly_cost: Option<String>,
    /// Whether it may be used.
    enabled: bool,
    /// Why it is not used although it may: what the provider said. Enabling it, or a new secret,
    /// has it tried again.
    fault: Option<String>,
    /// What it was used for today, UTC.
    today: KeyUsageView,
    /// What it was used for this month, UTC.
    month: KeyUsageView,
    /// How many of this month's requests were to models without a price: they are in no `cost`.
    #[schema(example = 0)]
    unpriced_requests: i64,
    /// The models without a price that it was used for this month.
    #[schema(example = json!(["gpt-4o-audio-preview"]))]
    unpriced_models: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What a key was used for.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyUsageView {
    /// How many requests.
    #[schema(example = 120)]
    requests: i64,
    /// What they cost, US dollars, a decimal number.
    #[schema(example = "0.0172")]
    cost: String,
}

impl KeyUsageView {
    fn of(requests: i64, cost: Money) -> Self {
        Self { requests, cost: cost.to_string() }
    }
}

/// At most so many pairs of a model and a key are looked through for models without a price.
const ROWS: u32 = 10_000;

/// What keys were used for.
#[derive(Debug, Default)]
struct Usage {
    by_key: Vec<KeyUsage>,
    by_model: Vec<ModelUsage>,
}

impl Usage {
    /// Today and since the first of the month.
    async fn read(tx: &mut Tx, today: NaiveDate) -> Result<Self, StorageError> {
        let first = today.with_day(1).unwrap_or(today);
        let by_key = tx.system().model_calls().by_key(today).await?;
        let by_model = tx.system().model_calls().by_model(first, today, ROWS).await?;
        Ok(Self { by_key, by_model })
    }
}

impl ModelKeyView {
    fn of(key: ModelKey, usage: &Usage) -> Self {
        let id = key.id.into_uuid();
        let used = usage.by_key.iter().find(|used| used.key_id == id);

        let unpriced: Vec<&ModelUsage> = usage
            .by_model
            .iter()
            .filter(|used| used.key_id == Some(id) && used.unpriced > 0)
            .collect();

        Self {
            unpriced_requests: unpriced.iter().map(|used| used.unpriced).sum(),
            unpriced_models: unpriced.iter().map(|used| used.model.clone()).collect(),
            id,
            origin: key.origin,
            provider: key.provider,
            name: key.name,
            hint: key.hint,
            priority: key.priority,
            daily_requests: key.daily_requests,
            monthly_requests: key.monthly_requests,
            daily_cost: key.daily_cost.map(|cost| cost.to_string()),
            monthly_cost: key.monthly_cost.map(|cost| cost.to_string()),
            enabled: key.enabled,
            fault: key.fault,
            today: used.map_or(KeyUsageView::of(0, Money::ZERO), |used| {
                KeyUsageView::of(used.day_requests, used.day_cost)
            }),
            month: used.map_or(KeyUsageView::of(0, Money::ZERO), |used| {
                KeyUsageView::of(used.month_requests, used.month_cost)
            }),
            created_at: key.created_at,
            updated_at: key.updated_at,
        }
    }
}

/// A secret on its way in: never shown, wiped from memory when dropped.
#[derive(Clone, Debug)]
struct Secret(SecretString);

impl Secret {
    /// Its last characters, if that does not tell too much of it.
    fn hint(&self) -> String {
        let secret = self.0.expose_secret();
        let hint = secret.len().checked_sub(HINT).filter(|_| secret.len() >= HINTED);
        hint.and_then(|from| secret.get(from..)).unwrap_or_default().to_owned()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|secret| Self(SecretString::from(secret)))
    }
}

/// Can it stand in a header? Anything else is no key.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn plausible(secret: &Secret, (): &()) -> garde::Result {
    let secret = secret.0.expose_secret();
    if (1..=512).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(garde::Error::new("must be 1 to 512 visible ASCII characters"))
    }
}

/// An amount of money that bounds something.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn bound(text: &str, (): &()) -> garde::Result {
    match text.parse::<Money>() {
        Ok(amount) if amount >= Money::ZERO => Ok(()),
        _ => Err(garde::Error::new("must be a decimal number such as `5.00`, not below 0")),
    }
}

/// The amount that [`bound`] let through.
fn amount(text: Option<String>) -> Option<Money> {
    text.and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(SecretString::from(text))
    }

    #[test]
    fn of_a_short_secret_nothing_is_shown() {
        assert_eq!(secret("sk-0123456789abcdef").hint(), "cdef");
        assert_eq!(secret("0123456789abcdef").hint(), "cdef");
        assert_eq!(secret("0123456789abcde").hint(), "");
        assert!(!format!("{:?}", secret("sk-0123456789abcdef")).contains("cdef"));
    }

    #[test]
    fn a_secret_is_one_visible_word_and_a_bound_is_an_amount() {
        assert!(plausible(&secret("sk-x"), &()).is_ok());
        for bad in [
            String::new(),
            "a b".to_owned(),
            "a\r\nX: y".to_owned(),
            "ключ".to_owned(),
            "a".repeat(513),
        ] {
            assert!(plausible(&secret(&bad), &()).is_err(), "{bad}");
        }
        assert!(bound("0", &()).is_ok() && bound("5.000001", &()).is_ok());
        assert!(bound("-1", &()).is_err() && bound("5,00", &()).is_err());
    }
}
