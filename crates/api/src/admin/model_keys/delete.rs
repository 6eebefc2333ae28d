//! `DELETE /api/v1/admin/model-keys/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::ModelKeyId;
use replyx_engine::providers;
use serde_json::json;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Deletes a model key. Calls in progress continue.
#[utoipa::path(
    delete, path = "/admin/model-keys/{id}", operation_id = "delete_model_key", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it is gone"))
)]
#[tracing::instrument(name = "api.admin.model_keys.delete", skip_all, fields(key.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    admin: Admin,
    Id(id): Id<ModelKeyId>,
) -> ApiResult<StatusCode> {
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.system().model_keys().lock(id).await?;
    let key = found.ok_or(ApiError::NotFound("key"))?;
    tx.system().model_keys().delete(id).await?;
    let details = json!({"provider": key.provider, "name": key.name, "hint": key.hint});
    let act = admin.act(now, "model_key.deleted", ("model_key", id), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    providers::load(&state.engine).await?;
    Ok(StatusCode::NO_CONTENT)
}
