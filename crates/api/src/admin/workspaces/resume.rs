//! `POST /api/v1/admin/workspaces/{id}/resume`

use axum::{Json, extract::State};
use replyx_core::ids::WorkspaceId;

use super::AdminWorkspaceView;
use crate::{caller::Admin, error::ApiResult, input::Id, state::AppState};

/// Lets the members of a suspended workspace act again, and its assistants answer. What a customer has waited for longer than a
/// day is answered together with what they write next.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/resume", operation_id = "resume_workspace", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the workspace as it is now", body = AdminWorkspaceView))
)]
#[tracing::instrument(name = "api.admin.workspaces.resume", skip_all, fields(workspace.id = %id.0))]
pub async fn resume(
    state: State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
) -> ApiResult<Json<AdminWorkspaceView>> {
    let (State(state), Id(id)) = (state, id);
    Ok(Json(super::set_suspended(&state, &admin, id, false).await?))
}
