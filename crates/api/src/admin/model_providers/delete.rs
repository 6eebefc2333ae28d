//! `DELETE /api/v1/admin/model-providers/{name}`

use axum::{extract::State, http::StatusCode};
use replyx_engine::providers;
use serde_json::json;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Deletes a model provider that was added through the API, with its keys. If the configuration has
/// a provider of this name, that one is used again.
#[utoipa::path(
    delete, path = "/admin/model-providers/{name}", operation_id = "delete_model_provider", tag = "admin",
    security(("bearer" = ["admin"])), params(("name" = String, Path, example = "ollama")),
    responses((status = 204, description = "it is gone"))
)]
#[tracing::instrument(name = "api.admin.model_providers.delete", skip_all)]
pub async fn delete(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
) -> ApiResult<StatusCode> {
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    if !tx.system().model_keys().delete_provider(&name).await? {
        return Err(ApiError::NotFound("provider"));
    }
    let act = admin.act(now, "model_provider.deleted", ("model_provider", &name), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    providers::load(&state.engine).await?;
    Ok(StatusCode::NO_CONTENT)
}
