//! `PUT /api/v1/admin/model-providers/{name}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_engine::providers;
use replyx_storage::model_keys::ModelProvider;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{ModelProviderView, address, address_of, is_name};
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// At most so many providers are added.
const MOST: usize = 50;

/// What it speaks, and where it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetModelProvider)]
pub struct Request {
    /// What it speaks: `completions` (most do), `responses` or `messages`; `completions` unless
    /// given.
    #[serde(default)]
    #[garde(skip)]
    protocol: ProtocolWord,
    /// Everything before the path of the protocol. Servers of your own network may be `http`, and
    /// are asked without a key while they have none.
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "http://127.0.0.1:11434/v1")]
    base_url: String,
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModelProtocol)]
enum ProtocolWord {
    /// `POST {base_url}/chat/completions`
    #[default]
    Completions,
    /// `POST {base_url}/responses`
    Responses,
    /// `POST {base_url}/v1/messages`
    Messages,
}

/// Adds a model provider, or updates the one with this name. It overrides a provider of the same
/// name in the configuration. Every process uses it immediately.
///
/// A key belongs to an origin. If the scheme, host or port changes, the provider's keys are
/// deleted, and the key of the configuration is not used with the new address.
#[utoipa::path(
    put, path = "/admin/model-providers/{name}", operation_id = "set_model_provider", tag = "admin",
    security(("bearer" = ["admin"])), params(("name" = String, Path, pattern = "^[a-z0-9_-]{1,40}$", example = "ollama")),
    request_body = Request,
    responses(
        (status = 200, description = "the provider as it is now", body = ModelProviderView),
        (status = 409, description = "`too_many_model_providers`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.model_providers.set", skip_all)]
pub async fn set(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
    Body(request): Body<Request>,
) -> ApiResult<Json<ModelProviderView>> {
    if !is_name(&name) {
        let rule = "must be 1 to 40 small letters, digits, `-` and `_`, and not `extractive`";
        return Err(ApiError::field("name", rule));
    }
    let base_url =
        address(&request.base_url).map_err(|wrong| ApiError::field("base_url", wrong))?;
    let protocol = match request.protocol {
        ProtocolWord::Completions => "completions",
        ProtocolWord::Responses => "responses",
        ProtocolWord::Messages => "messages",
    };
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let known = tx.system().model_keys().providers().await?;
    let before = known.iter().find(|provider| provider.name == name);
    if before.is_none() && known.len() >= MOST {
        let detail = format!("an installation has at most {MOST} providers of its own");
        return Err(ApiError::Conflict { code: "too_many_model_providers", detail });
    }
    // A key belongs to an origin: a server at another origin was not given it.
    let old = address_of(&state, &mut tx, &name).await?;
    let moves = old.is_some_and(|old| providers::origin(&old) != providers::origin(&base_url));
    let dropped_keys = if moves { tx.system().model_keys().delete_of(&name).await? } else { 0 };
    let provider = ModelProvider {
        name,
        protocol: protocol.to_owned(),
        base_url,
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    };
    tx.system().model_keys().put_provider(&provider).await?;
    let details = json!({
        "protocol": provider.protocol, "base_url": provider.base_url, "dropped_keys": dropped_keys,
    });
    let act = admin.act(now, "model_provider.set", ("model_provider", &provider.name), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    // Here it holds when this answers; the other processes hear of it.
    providers::load(&state.engine).await?;
    let mut configured = state.engine.models.configured().iter();
    let configured = configured.any(|configured| configured.name == provider.name);
    Ok(Json(ModelProviderView { dropped_keys, ..ModelProviderView::added(provider, configured) }))
}
