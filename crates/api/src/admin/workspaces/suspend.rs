//! `POST /api/v1/admin/workspaces/{id}/suspend`

use axum::{Json, extract::State};
use replyx_core::ids::WorkspaceId;

use super::AdminWorkspaceView;
use crate::{caller::Admin, error::ApiResult, input::Id, state::AppState};

/// Suspends a workspace: nobody may act in it, members and keys alike, and no model is asked for it. What customers write is
/// stored and answered once it is resumed; documents, sources and measurements wait until then.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/suspend", operation_id = "suspend_workspace", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the workspace as it is now", body = AdminWorkspaceView))
)]
#[tracing::instrument(name = "api.admin.workspaces.suspend", skip_all, fields(workspace.id = %id.0))]
pub async fn suspend(
    state: State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
) -> ApiResult<Json<AdminWorkspaceView>> {
    let (State(state), Id(id)) = (state, id);
    Ok(Json(super::set_suspended(&state, &admin, id, true).await?))
}
