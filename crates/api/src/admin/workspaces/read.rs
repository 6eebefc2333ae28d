//! `GET /api/v1/admin/workspaces/{id}`

use axum::extract::State;
use replyx_core::ids::WorkspaceId;

use super::{AdminWorkspaceView, tagged};
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
    tagged::Tagged,
};

/// Shows a workspace.
#[utoipa::path(
    get, path = "/admin/workspaces/{id}", operation_id = "read_any_workspace", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the workspace", body = AdminWorkspaceView),
        (status = 304, description = "it is as `If-None-Match` says"),
    )
)]
#[tracing::instrument(name = "api.admin.workspaces.read", skip_all, fields(workspace.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    _admin: Admin,
    Id(id): Id<WorkspaceId>,
) -> ApiResult<Tagged<AdminWorkspaceView>> {
    let mut tx = state.db().read().await?;
    let found = tx.system().workspaces().find(id).await?;
    let workspace = found.ok_or(ApiError::NotFound("workspace"))?;
    let policy = tx.system().workspaces().model_policy(id).await?;

    Ok(tagged(workspace, policy.unwrap_or_default().allowed))
}
