//! `GET /api/v1/workspace`

use axum::Json;

use crate::{
    caller::{May, WorkspaceRead},
    users::WorkspaceView,
};

/// Shows the workspace you act in.
#[utoipa::path(
    get, path = "/workspace", operation_id = "read_workspace", tag = "workspaces",
    security(("bearer" = ["workspace:read"])),
    responses((status = 200, description = "the workspace", body = WorkspaceView))
)]
#[tracing::instrument(name = "api.workspaces.read", skip_all)]
pub async fn read(caller: May<WorkspaceRead>) -> Json<WorkspaceView> {
    Json(caller.place().workspace.clone().into())
}
