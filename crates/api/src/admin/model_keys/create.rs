//! `POST /api/v1/admin/model-keys`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::ids::ModelKeyId;
use replyx_engine::providers;
use replyx_storage::model_keys::ModelKey;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{ModelKeyView, Secret, Usage, amount, bound, plausible};
use crate::admin::model_providers::address_of;
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    location::Location,
    state::AppState,
};

/// At most so many keys are added.
const MOST: usize = 200;

/// A new key.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateModelKey)]
pub struct Request {
    /// The provider's name.
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "openai")]
    provider: String,
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "Main account")]
    name: String,
    /// The key as the provider gave it out. It is stored encrypted, and never shown again.
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

impl Request {
    fn into_key(self, state: &AppState, origin: Option<String>) -> ModelKey {
        let id: ModelKeyId = state.clock().id();
        let now = state.clock().now();
        ModelKey {
            id,
            provider: self.provider,
            origin,
            name: self.name,
            secret_sealed: state.keys().seal(&self.secret.0, id.into_uuid().as_bytes()),
            hint: self.secret.hint(),
            priority: self.priority,
            daily_requests: self.daily_requests,
            monthly_requests: self.monthly_requests,
            daily_cost: amount(self.daily_cost),
            monthly_cost: amount(self.monthly_cost),
            enabled: self.enabled,
            fault: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Adds a key to a provider. Every process uses it immediately.
#[utoipa::path(
    post, path = "/admin/model-keys", operation_id = "create_model_key", tag = "admin",
    security(("bearer" = ["admin"])), request_body = Request,
    responses(
        (status = 201, description = "the key, without its secret", body = ModelKeyView),
        (status = 409, description = "`too_many_model_keys`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.model_keys.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    admin: Admin,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<ModelKeyView>)> {
    let mut tx = state.db().begin().await?;
    let Some(address) = address_of(&state, &mut tx, &request.provider).await? else {
        return Err(ApiError::field("provider", "is the name of no provider"));
    };
    let key = request.into_key(&state, providers::origin(&address));
    if tx.system().model_keys().list().await?.len() >= MOST {
        let detail = format!("an installation has at most {MOST} keys to providers");
        return Err(ApiError::Conflict { code: "too_many_model_keys", detail });
    }
    tx.system().model_keys().insert(&key).await?;
    let details = json!({"provider": key.provider, "name": key.name, "hint": key.hint});
    let act = admin.act(key.created_at, "model_key.created", ("model_key", key.id), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    // Here it holds when this answers; the other processes hear of it.
    providers::load(&state.engine).await?;
    let location = Location(format!("/api/v1/admin/model-keys/{}", key.id));
    Ok((StatusCode::CREATED, location, Json(ModelKeyView::of(key, &Usage::default()))))
}
