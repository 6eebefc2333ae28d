//! `GET /api/v1/api-keys/{id}`

use axum::{Json, extract::State};
use replyx_core::ids::ApiKeyId;

use super::ApiKeyView;
use crate::{
    caller::{KeysWrite, May},
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Shows a key, but not the key itself.
#[utoipa::path(
    get, path = "/api-keys/{id}", operation_id = "read_api_key", tag = "workspaces",
    security(("bearer" = ["keys:write"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the key", body = ApiKeyView))
)]
#[tracing::instrument(name = "api.api_keys.read", skip_all, fields(api_key.id = %id.0))]
pub async fn read(
    state: State<AppState>,
    caller: May<KeysWrite>,
    id: Id<ApiKeyId>,
) -> ApiResult<Json<ApiKeyView>> {
    let (State(state), Id(id)) = (state, id);
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).api_keys().find(id).await?;
    Ok(Json(found.ok_or(ApiError::NotFound("key"))?.into()))
}
