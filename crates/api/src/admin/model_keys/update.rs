//! `PATCH /api/v1/admin/model-keys/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{ids::ModelKeyId, money::Money};
use replyx_engine::providers;
use replyx_storage::model_keys::ModelKey;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{ModelKeyView, Secret, Usage, amount, bound, plausible};
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
    input::{Body, Id, Patch},
    state::AppState,
};

/// The fields to change. Absent fields stay as they are; `null` removes a limit.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateModelKey)]
pub struct Request {
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

impl Request {
    /// Does it have the key tried again?
    fn readmits(&self) -> bool {
        self.enabled == Some(true) || self.secret.is_some()
    }

    fn apply(self, key: &mut ModelKey, state: &AppState) {
        if self.readmits() {
            key.fault = None;
        }
        if let Some(name) = self.name {
            key.name = name;
        }
        if let Some(secret) = self.secret {
            key.secret_sealed = state.keys().seal(&secret.0, key.id.into_uuid().as_bytes());
            key.hint = secret.hint();
        }
        key.priority = self.priority.unwrap_or(key.priority);
        self.daily_requests.apply(&mut key.daily_requests);
        self.monthly_requests.apply(&mut key.monthly_requests);
        limit(self.daily_cost, &mut key.daily_cost);
        limit(self.monthly_cost, &mut key.monthly_cost);
        key.enabled = self.enabled.unwrap_or(key.enabled);
        key.updated_at = state.clock().now();
    }
}

/// Changes a bound that has been found to be an amount.
fn limit(bound: Patch<String>, cost: &mut Option<Money>) {
    match bound {
        Patch::Keep => {}
        Patch::Clear => *cost = None,
        Patch::Set(text) => *cost = amount(Some(text)),
    }
}

/// Changes a key. Every process applies it immediately.
#[utoipa::path(
    patch, path = "/admin/model-keys/{id}", operation_id = "update_model_key", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses((status = 200, description = "the key as it is now, without its secret", body = ModelKeyView))
)]
#[tracing::instrument(name = "api.admin.model_keys.update", skip_all, fields(key.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    admin: Admin,
    Id(id): Id<ModelKeyId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<ModelKeyView>> {
    let mut tx = state.db().begin().await?;
    let found = tx.system().model_keys().lock(id).await?;
    let mut key = found.ok_or(ApiError::NotFound("key"))?;
    let readmits = request.readmits();
    let new_secret = request.secret.is_some();
    request.apply(&mut key, &state);

    if !tx.system().model_keys().save(&key).await? {
        return Err(ApiError::NotFound("key"));
    }

    let details = json!({"name": key.name, "hint": key.hint, "enabled": key.enabled, "new_secret": new_secret});
    let act = admin.act(key.updated_at, "model_key.updated", ("model_key", id), details);
    tx.system().audit().append(&act).await?;
    let usage = Usage::read(&mut tx, key.updated_at.date_naive()).await?;
    tx.commit().await?;
    providers::load(&state.engine).await?;

    if readmits {
        state.engine.models.readmit(id).await;
    }

    Ok(Json(ModelKeyView::of(key, &usage)))
}
