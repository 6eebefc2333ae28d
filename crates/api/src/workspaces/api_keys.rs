//! `/api/v1/api-keys`: programs' keys to a workspace.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_accounts::keys::{self, NewKey};
use replyx_core::{
    ids::ApiKeyId,
    permission::{Permission, Permissions},
    workspace::{ApiKey, KeyOwner},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ScopeWord;
use crate::{
    caller::{Authorized, KeysWrite},
    error::{ApiResult, Problem},
    input::{Body, Id, Params},
    location::Location,
    page::{List, PageQuery},
    state::AppState,
};

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyView {
    /// Identity.
    id: Uuid,
    /// Its display name.
    #[schema(example = "Nightly upload")]
    name: String,
    /// The beginning of the secret, to tell keys apart.
    #[schema(example = "rx_live_1f0b")]
    prefix: String,
    /// Its scopes. It has those that its creator has now; a service key has all of them.
    #[schema(value_type = Vec<ScopeWord>, example = json!(["documents:read", "documents:write"]))]
    scopes: Vec<Permission>,
    /// Whether it belongs to the workspace and keeps working when its creator leaves.
    #[schema(example = false)]
    service: bool,
    /// The user who created it.
    created_by: Uuid,
    /// When it expires, if it does.
    expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was created.
    created_at: DateTime<Utc>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.into_uuid(),
            name: key.name,
            prefix: key.prefix,
            // Older keys may have been given more, which no longer counts.
            scopes: key.scopes.and(Permissions::of_keys()).iter().collect(),
            service: key.owner == KeyOwner::Workspace,
            created_by: key.created_by.into_uuid(),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}

/// Lists the workspace's API keys, newest first, including expired ones. The secrets are not shown.
#[utoipa::path(
    get, path = "/api-keys", operation_id = "list_api_keys", tag = "workspaces",
    params(PageQuery),
    responses((status = 200, description = "the keys", body = List<ApiKeyView>))
)]
#[tracing::instrument(name = "api.api_keys.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<KeysWrite>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<ApiKeyView>> {
    let keys = keys::list(&state.accounts, &caller, query.request()?).await?;
    Ok(List::of(keys, ApiKeyView::from))
}

/// Shows an API key, without its secret.
#[utoipa::path(
    get, path = "/api-keys/{id}", operation_id = "read_api_key", tag = "workspaces",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the key", body = ApiKeyView))
)]
#[tracing::instrument(name = "api.api_keys.read", skip_all, fields(api_key.id = %id.0))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<KeysWrite>,
    id: Id<ApiKeyId>,
) -> ApiResult<Json<ApiKeyView>> {
    Ok(Json(keys::read(&state.accounts, &caller, id.0).await?.into()))
}

/// A new key.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateApiKey)]
pub struct CreateRequest {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Nightly upload", min_length = 1, max_length = 100)]
    name: String,
    /// Its scopes, at most your own permissions. It loses a permission when you lose it.
    #[garde(length(min = 1, max = 100))]
    #[schema(
        value_type = Vec<ScopeWord>, min_items = 1, max_items = 100,
        example = json!(["documents:read", "documents:write"])
    )]
    scopes: Vec<Permission>,
    /// Whether it belongs to the workspace instead of you: it then keeps working when you leave or
    /// lose permissions. Only owners can create such a key.
    #[garde(skip)]
    #[serde(default)]
    #[schema(example = false)]
    service: bool,
    /// When it expires; never by default.
    #[garde(skip)]
    #[schema(example = "2099-01-01T00:00:00Z")]
    expires_at: Option<DateTime<Utc>>,
}

/// A new key, this once with the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub struct CreatedResponse {
    #[serde(flatten)]
    about: ApiKeyView,
    /// The secret, for `Authorization: Bearer ...` or `X-API-Key`. It is never shown again.
    #[schema(example = "rx_live_1f0b7d3e4a5f6b7c8d9e0f1a2b3c4d5e6f708192")]
    key: String,
}

/// Creates an API key. The secret is shown only in this response.
///
/// The key follows its creator: it has those of its scopes that you have at the time, and none once
/// you are removed, suspended or blocked. A service key (`service`, for owners) belongs to the
/// workspace instead.
#[utoipa::path(
    post, path = "/api-keys", operation_id = "create_api_key", tag = "workspaces",
    request_body = CreateRequest,
    responses(
        (status = 201, description = "the key", body = CreatedResponse),
        (status = 422, description = "`invalid`: also a scope that needs a person", body = Problem),
        (status = 409, description = "`too_many_keys`: the workspace has 100", body = Problem),
    )
)]
#[tracing::instrument(name = "api.api_keys.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<KeysWrite>,
    Body(request): Body<CreateRequest>,
) -> ApiResult<(StatusCode, Location, Json<CreatedResponse>)> {
    let new = NewKey {
        name: request.name,
        scopes: request.scopes.into_iter().collect(),
        owner: if request.service { KeyOwner::Workspace } else { KeyOwner::Maker },
        expires_at: request.expires_at,
    };

    let (key, secret) = keys::create(&state.accounts, &caller, &new).await?;
    let location = Location(format!("/api/v1/api-keys/{}", key.id));
    let response = CreatedResponse { about: key.into(), key: secret };
    Ok((StatusCode::CREATED, location, Json(response)))
}

/// The fields to change. Absent fields stay as they are; scopes and expiry of a key never change.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateApiKey)]
pub struct UpdateRequest {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Nightly upload", min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Renames an API key.
#[utoipa::path(
    patch, path = "/api-keys/{id}", operation_id = "update_api_key", tag = "workspaces",
    params(("id" = uuid::Uuid, Path)), request_body = UpdateRequest,
    responses((status = 200, description = "the key as it is now", body = ApiKeyView))
)]
#[tracing::instrument(name = "api.api_keys.update", skip_all, fields(api_key.id = %id.0))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<KeysWrite>,
    id: Id<ApiKeyId>,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Json<ApiKeyView>> {
    let name = request.name.as_deref();
    Ok(Json(keys::update(&state.accounts, &caller, id.0, name).await?.into()))
}

/// Revokes an API key.
#[utoipa::path(
    delete, path = "/api-keys/{id}", operation_id = "delete_api_key", tag = "workspaces",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it is revoked"))
)]
#[tracing::instrument(name = "api.api_keys.delete", skip_all, fields(api_key.id = %id.0))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<KeysWrite>,
    id: Id<ApiKeyId>,
) -> ApiResult<StatusCode> {
    keys::delete(&state.accounts, &caller, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
