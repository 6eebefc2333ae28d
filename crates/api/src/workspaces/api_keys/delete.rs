//! `DELETE /api/v1/api-keys/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::{ids::ApiKeyId, workspace::KeyOwner};
use serde_json::json;

use crate::{
    caller::{KeysWrite, May},
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Revokes a key: it opens nothing from now on.
#[utoipa::path(
    delete, path = "/api-keys/{id}", operation_id = "delete_api_key", tag = "workspaces",
    security(("bearer" = ["keys:write"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it is revoked"))
)]
#[tracing::instrument(name = "api.api_keys.delete", skip_all, fields(api_key.id = %id.0))]
pub async fn delete(
    state: State<AppState>,
    caller: May<KeysWrite>,
    id: Id<ApiKeyId>,
) -> ApiResult<StatusCode> {
    let (State(state), Id(id)) = (state, id);
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).api_keys().find(id).await?;
    let key = found.ok_or(ApiError::NotFound("key"))?;
    if !tx.workspace(workspace).api_keys().delete(id).await? {
        return Err(ApiError::NotFound("key"));
    }
    let service = key.owner == KeyOwner::Workspace;
    let details = json!({"name": key.name, "service": service});
    let act = caller.act(state.clock().now(), "api_key.deleted", ("api_key", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
