//! `GET /api/v1/workspace`

use super::tagged;
use crate::{
    caller::{May, WorkspaceRead},
    tagged::Tagged,
    users::WorkspaceView,
};

/// Shows the workspace you act in.
#[utoipa::path(
    get, path = "/workspace", operation_id = "read_workspace", tag = "workspaces",
    security(("bearer" = ["workspace:read"])),
    responses(
        (status = 200, description = "the workspace", body = WorkspaceView),
        (status = 304, description = "it is as `If-None-Match` says"),
    )
)]
#[tracing::instrument(name = "api.workspaces.read", skip_all)]
pub async fn read(caller: May<WorkspaceRead>) -> Tagged<WorkspaceView> {
    tagged(caller.place().workspace.clone())
}
