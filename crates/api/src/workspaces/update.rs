//! `PATCH /api/v1/workspace`

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{edition, tagged};
use crate::{
    caller::{May, WorkspaceWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, plain_name},
    state::AppState,
    tagged::{IfMatch, Tagged},
    users::WorkspaceView,
};

/// What is to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateWorkspace)]
pub struct Request {
    /// What its members call it.
    #[garde(length(chars, min = 1, max = 100), inner(custom(plain_name)))]
    #[schema(example = "Green Lantern Shop", min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Changes the workspace you act in.
#[utoipa::path(
    patch, path = "/workspace", operation_id = "update_workspace", tag = "workspaces",
    security(("bearer" = ["workspace:write"])), request_body = Request,
    responses(
        (status = 200, description = "the workspace as it is now", body = WorkspaceView),
        (status = 412, description = "somebody else has changed it", body = Problem),
    )
)]
#[tracing::instrument(name = "api.workspaces.update", skip_all)]
pub async fn update(
    state: State<AppState>,
    caller: May<WorkspaceWrite>,
    expected: IfMatch,
    body: Body<Request>,
) -> ApiResult<Tagged<WorkspaceView>> {
    let (State(state), Body(request)) = (state, body);
    let id = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.system().workspaces().lock(id).await?;
    let mut workspace = found.ok_or(ApiError::NotFound("workspace"))?;
    expected.check(&edition(&workspace))?;
    if let Some(name) = request.name.filter(|name| *name != workspace.name) {
        tx.system().workspaces().rename(id, &name).await?;
        workspace.name = name;
        let details = json!({"name": workspace.name});
        let act = caller.act(state.clock().now(), "workspace.updated", ("workspace", id), details);
        tx.workspace(id).audit().append(&act).await?;
        tx.commit().await?;
    }
    Ok(tagged(workspace))
}
