//! `GET /api/v1/me`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{UserView, WorkspaceView};
use crate::{
    caller::Caller,
    error::{ApiError, ApiResult, Problem},
    state::AppState,
};

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct Response {
    user: UserView,
    workspace: WorkspaceView,
    /// The caller's role in the workspace.
    #[schema(example = "owner")]
    role: &'static str,
}

/// Tells who the caller is, and where they act.
#[utoipa::path(
    get, path = "/me", operation_id = "read_me", tag = "users", security(("bearer" = [])),
    responses(
        (status = 200, description = "who you are", body = Response),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.users.me", skip_all)]
pub async fn me(state: State<AppState>, caller: Caller) -> ApiResult<Json<Response>> {
    let State(state) = state;
    let mut tx = state.db().read().await?;
    let user = tx.system().users().find(caller.user_id).await?;
    let workspace = tx.system().workspaces().find(caller.workspace_id).await?;
    let (Some(user), Some(workspace)) = (user, workspace) else {
        return Err(ApiError::Unauthenticated);
    };
    let role = caller.role.as_str();
    Ok(Json(Response { user: user.into(), workspace: workspace.into(), role }))
}
