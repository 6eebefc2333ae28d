//! `/api/v1/admin/model-keys`: keys to providers of models. A secret comes in once and is never
//! shown again.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use garde::Validate;
use replyx_core::{ids::ModelKeyId, money::Money};
use replyx_engine::providers::keys::{self, ModelKeyChange, NewModelKey};
use replyx_storage::{
    StorageError, Tx,
    model_calls::{KeyUsage, ModelUsage},
    model_keys::ModelKey,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Admin,
    error::{ApiResult, Problem},
    input::{Body, Id, Patch},
    location::Location,
    page::List,
    state::AppState,
};

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
    /// Its use today (UTC).
    today: KeyUsageView,
    /// Its use this month (UTC).
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
    /// Their cost, in US dollars, as a decimal number.
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
fn amount(text: &str) -> Money {
    text.parse().unwrap_or(Money::ZERO)
}

/// Lists the model keys added through the API, by provider and priority, with their use.
#[utoipa::path(
    get, path = "/admin/model-keys", operation_id = "list_model_keys", tag = "admin",
    responses((status = 200, description = "all keys, without their secrets", body = List<ModelKeyView>))
)]
#[tracing::instrument(name = "api.admin.model_keys.list", skip_all)]
pub async fn list(State(state): State<AppState>, _admin: Admin) -> ApiResult<List<ModelKeyView>> {
    let today = state.clock().now().date_naive();
    let mut tx = state.db().read().await?;
    let keys = tx.system().model_keys().list().await?;
    let usage = Usage::read(&mut tx, today).await?;
    let items = keys.into_iter().map(|key| ModelKeyView::of(key, &usage)).collect();
    Ok(List { items, next_cursor: None })
}

/// A new key.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateModelKey)]
pub struct CreateRequest {
    /// The provider's name.
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "openai")]
    provider: String,
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "Main account")]
    name: String,
    /// The provider's key. It is stored encrypted and never shown again.
    #[garde(custom(plausible))]
    #[schema(value_type = String, format = Password, write_only, pattern = "^[!-~]{1,512}$", example = "sk-0123456789abcdef")]
    secret: Secret,
    /// The priority: the lowest number is used first; 0 by default.
    #[serde(default)]
    #[garde(range(min = -1_000, max = 1_000))]
    #[schema(minimum = -1_000, maximum = 1_000, example = 0)]
    priority: i64,
    /// The most requests in a day (UTC).
    #[garde(inner(range(min = 0, max = 1_000_000_000)))]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 10_000)]
    daily_requests: Option<i64>,
    /// The most requests in a month (UTC).
    #[garde(inner(range(min = 0, max = 1_000_000_000)))]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 200_000)]
    monthly_requests: Option<i64>,
    /// The most money in a day (UTC), US dollars, a decimal number.
    #[garde(inner(custom(bound)))]
    #[schema(pattern = "^[0-9]{1,12}([.][0-9]{1,6})?$", example = "5.00")]
    daily_cost: Option<String>,
    /// The most money in a month (UTC), US dollars, a decimal number.
    #[garde(inner(custom(bound)))]
    #[schema(pattern = "^[0-9]{1,12}([.][0-9]{1,6})?$", example = "100.00")]
    monthly_cost: Option<String>,
    /// Whether it may be used; `true` by default.
    #[serde(default = "yes")]
    #[garde(skip)]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

/// Adds a key to a provider. Every process uses it immediately.
#[utoipa::path(
    post, path = "/admin/model-keys", operation_id = "create_model_key", tag = "admin",
    request_body = CreateRequest,
    responses(
        (status = 201, description = "the key, without its secret", body = ModelKeyView),
        (status = 409, description = "`too_many_model_keys`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.model_keys.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    admin: Admin,
    Body(request): Body<CreateRequest>,
) -> ApiResult<(StatusCode, Location, Json<ModelKeyView>)> {
    let new = NewModelKey {
        provider: request.provider,
        name: request.name,
        secret: request.secret.0,
        priority: request.priority,
        daily_requests: request.daily_requests,
        monthly_requests: request.monthly_requests,
        daily_cost: request.daily_cost.as_deref().map(amount),
        monthly_cost: request.monthly_cost.as_deref().map(amount),
        enabled: request.enabled,
    };

    let key = keys::create(&state.engine, &admin, &new).await?;
    let location = Location(format!("/api/v1/admin/model-keys/{}", key.id));
    Ok((StatusCode::CREATED, location, Json(ModelKeyView::of(key, &Usage::default()))))
}

/// The fields to change. Absent fields stay as they are; `null` removes a limit.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateModelKey)]
pub struct UpdateRequest {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "Main account")]
    name: Option<String>,
    /// A new secret, from the same provider.
    #[garde(inner(custom(plausible)))]
    #[schema(value_type = Option<String>, format = Password, write_only, pattern = "^[!-~]{1,512}$", example = "sk-0123456789abcdef")]
    secret: Option<Secret>,
    /// The priority: the lowest number is used first.
    #[garde(inner(range(min = -1_000, max = 1_000)))]
    #[schema(minimum = -1_000, maximum = 1_000, example = 0)]
    priority: Option<i64>,
    /// The most requests in a day (UTC).
    #[serde(default)]
    #[garde(inner(range(min = 0, max = 1_000_000_000)))]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000, example = 10_000)]
    daily_requests: Patch<i64>,
    /// The most requests in a month (UTC).
    #[serde(default)]
    #[garde(inner(range(min = 0, max = 1_000_000_000)))]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000, example = 200_000)]
    monthly_requests: Patch<i64>,
    /// The most money in a day (UTC), US dollars, a decimal number.
    #[serde(default)]
    #[garde(inner(custom(bound)))]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,12}([.][0-9]{1,6})?$", example = "5.00")]
    daily_cost: Patch<String>,
    /// The most money in a month (UTC), US dollars, a decimal number.
    #[serde(default)]
    #[garde(inner(custom(bound)))]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,12}([.][0-9]{1,6})?$", example = "100.00")]
    monthly_cost: Patch<String>,
    /// Whether it may be used. `true` also retries a key that its provider refused.
    #[garde(skip)]
    enabled: Option<bool>,
}

/// Changes a key. Every process applies it immediately.
#[utoipa::path(
    patch, path = "/admin/model-keys/{id}", operation_id = "update_model_key", tag = "admin",
    params(("id" = uuid::Uuid, Path)), request_body = UpdateRequest,
    responses((status = 200, description = "the key as it is now, without its secret", body = ModelKeyView))
)]
#[tracing::instrument(name = "api.admin.model_keys.update", skip_all, fields(key.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    admin: Admin,
    Id(id): Id<ModelKeyId>,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Json<ModelKeyView>> {
    let change = ModelKeyChange {
        name: request.name,
        secret: request.secret.map(|secret| secret.0),
        priority: request.priority,
        daily_requests: request.daily_requests,
        monthly_requests: request.monthly_requests,
        daily_cost: request.daily_cost.map(|text| amount(&text)),
        monthly_cost: request.monthly_cost.map(|text| amount(&text)),
        enabled: request.enabled,
    };

    let key = keys::update(&state.engine, &admin, id, &change).await?;
    let mut tx = state.db().read().await?;
    let usage = Usage::read(&mut tx, key.updated_at.date_naive()).await?;
    Ok(Json(ModelKeyView::of(key, &usage)))
}

/// Deletes a model key. Calls in progress continue.
#[utoipa::path(
    delete, path = "/admin/model-keys/{id}", operation_id = "delete_model_key", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it was deleted"))
)]
#[tracing::instrument(name = "api.admin.model_keys.delete", skip_all, fields(key.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    admin: Admin,
    Id(id): Id<ModelKeyId>,
) -> ApiResult<StatusCode> {
    keys::delete(&state.engine, &admin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(SecretString::from(text))
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
