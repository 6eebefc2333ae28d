//! `PATCH /api/v1/api-keys/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::ids::ApiKeyId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::ApiKeyView;
use crate::{
    caller::{KeysWrite, May},
    error::{ApiError, ApiResult},
    input::{Body, Id},
    state::AppState,
};

/// What is to change. Absent fields stay as they are; what a key may do, and when it ends, never changes.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateApiKey)]
pub struct Request {
    /// What its makers call it.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Nightly upload", min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Gives a key another name.
#[utoipa::path(
    patch, path = "/api-keys/{id}", operation_id = "update_api_key", tag = "workspaces",
    security(("bearer" = ["keys:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses((status = 200, description = "the key as it is now", body = ApiKeyView))
)]
#[tracing::instrument(name = "api.api_keys.update", skip_all, fields(api_key.id = %id.0))]
pub async fn update(
    state: State<AppState>,
    caller: May<KeysWrite>,
    id: Id<ApiKeyId>,
    body: Body<Request>,
) -> ApiResult<Json<ApiKeyView>> {
    let (State(state), Id(id), Body(request)) = (state, id, body);
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).api_keys().find(id).await?;
    let mut key = found.ok_or(ApiError::NotFound("key"))?;
    if let Some(name) = request.name.filter(|name| *name != key.name) {
        if !tx.workspace(workspace).api_keys().rename(id, &name).await? {
            return Err(ApiError::NotFound("key"));
        }
        key.name = name;
        let details = json!({"name": key.name});
        let act = caller.act(state.clock().now(), "api_key.updated", ("api_key", id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
    }
    Ok(Json(key.into()))
}
