//! `/api/v1/admin/model-providers`: servers of models that admins add, beside those of the
//! configuration.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_engine::providers::{dialect, dialect_name, servers};
use replyx_storage::model_keys::ModelProvider;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    page::List,
    state::AppState,
};

/// A server of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelProviderView {
    /// Its name, which may stand before a model's name: `ollama` in `ollama:llama3:8b`.
    #[schema(example = "ollama")]
    name: String,
    /// Its protocol: `completions`, `responses` or `messages`.
    #[schema(example = "completions")]
    protocol: String,
    /// Everything before the path of the protocol.
    #[schema(example = "http://127.0.0.1:11434/v1")]
    base_url: String,
    /// Whether it is built in or configured, so that it cannot be deleted here.
    configured: bool,
    /// How many keys were deleted by this change, because they belong to another origin: scheme,
    /// host or port of the address differ. 0 unless the address was changed.
    #[schema(example = 0)]
    dropped_keys: u64,
    /// When it was added here.
    created_at: Option<DateTime<Utc>>,
    /// When it was last changed here.
    updated_at: Option<DateTime<Utc>>,
}

impl ModelProviderView {
    fn added(provider: ModelProvider, configured: bool) -> Self {
        Self {
            name: provider.name,
            protocol: provider.protocol,
            base_url: provider.base_url,
            configured,
            dropped_keys: 0,
            created_at: Some(provider.created_at),
            updated_at: Some(provider.updated_at),
        }
    }
}

/// Lists the model providers by name.
#[utoipa::path(
    get, path = "/admin/model-providers", operation_id = "list_model_providers", tag = "admin",
    responses((status = 200, description = "all providers", body = List<ModelProviderView>))
)]
#[tracing::instrument(name = "api.admin.model_providers.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    _admin: Admin,
) -> ApiResult<List<ModelProviderView>> {
    let mut all = BTreeMap::new();
    for provider in state.engine.models.configured() {
        let view = ModelProviderView {
            name: provider.name.clone(),
            protocol: dialect_name(provider.protocol).to_owned(),
            base_url: provider.base_url.clone(),
            configured: true,
            dropped_keys: 0,
            created_at: None,
            updated_at: None,
        };
        all.insert(provider.name.clone(), view);
    }
    for provider in state.db().read().await?.system().model_keys().providers().await? {
        let configured = all.contains_key(&provider.name);
        all.insert(provider.name.clone(), ModelProviderView::added(provider, configured));
    }
    Ok(List { items: all.into_values().collect(), next_cursor: None })
}

/// Its protocol and address.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetModelProvider)]
pub struct SetRequest {
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

/// The protocol of a provider.
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
    params(("name" = String, Path, pattern = "^[a-z0-9_-]{1,40}$", example = "ollama")),
    request_body = SetRequest,
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
    Body(request): Body<SetRequest>,
) -> ApiResult<Json<ModelProviderView>> {
    let protocol = match request.protocol {
        ProtocolWord::Completions => "completions",
        ProtocolWord::Responses => "responses",
        ProtocolWord::Messages => "messages",
    };
    let protocol = dialect(protocol).ok_or(ApiError::NotFound("protocol"))?;

    let changed = servers::set(&state.engine, &admin, &name, protocol, &request.base_url).await?;
    let mut configured = state.engine.models.configured().iter();
    let configured = configured.any(|configured| configured.name == name);
    let view = ModelProviderView::added(changed.provider, configured);
    Ok(Json(ModelProviderView { dropped_keys: changed.dropped_keys, ..view }))
}

/// Deletes a model provider that was added through the API, with its keys. If the configuration has
/// a provider of this name, that one is used again.
#[utoipa::path(
    delete, path = "/admin/model-providers/{name}", operation_id = "delete_model_provider", tag = "admin",
    params(("name" = String, Path, example = "ollama")),
    responses((status = 204, description = "it was deleted"))
)]
#[tracing::instrument(name = "api.admin.model_providers.delete", skip_all)]
pub async fn delete(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
) -> ApiResult<StatusCode> {
    servers::delete(&state.engine, &admin, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
