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

/// Deletes a provider that was added here, with the keys that were added for it. One that the configuration names as well
/// is again as the configuration says.
#[utoipa::path(
    delete, path = "/admin/model-providers/{name}", operation_id = "delete_model_provider", tag = "admin",
    security(("bearer" = ["admin"])), params(("name" = String, Path, example = "ollama")),
    responses((status = 204, description = "it is gone"))
)]
#[tracing::instrument(name = "api.admin.model_providers.delete", skip_all)]
pub async fn delete(
    state: State<AppState>,
    admin: Admin,
    name: Id<String>,
) -> ApiResult<StatusCode> {
    let (State(state), Id(name)) = (state, name);
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
