//! `GET /api/v1/admin/workspaces`

use std::collections::HashMap;

use axum::{Json, extract::State};
use replyx_core::ids::WorkspaceId;
use serde::Deserialize;

use super::AdminWorkspaceView;
use crate::{
    admin::search_text,
    caller::Admin,
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Which workspaces.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only those whose name contains this, whatever its case.
    #[param(max_length = 100, example = "shop")]
    q: Option<String>,
    /// At most this many items: 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists all workspaces, newest first.
#[utoipa::path(
    get, path = "/admin/workspaces", operation_id = "list_all_workspaces", tag = "admin",
    security(("bearer" = ["admin"])), params(Query),
    responses((status = 200, description = "the workspaces", body = List<AdminWorkspaceView>))
)]
#[tracing::instrument(name = "api.admin.workspaces.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    _admin: Admin,
    query: Params<Query>,
) -> ApiResult<Json<List<AdminWorkspaceView>>> {
    let (State(state), Params(query)) = (state, query);
    let wanted = search_text(query.q.as_deref())?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let mut tx = state.db().read().await?;
    let workspaces = tx.system().workspaces().list(wanted, page).await?;
    let ids: Vec<WorkspaceId> = workspaces.items.iter().map(|workspace| workspace.id).collect();
    let restricted = tx.system().workspaces().restricted(&ids).await?;
    let mut restricted: HashMap<WorkspaceId, Vec<String>> = restricted.into_iter().collect();
    Ok(Json(List::of(workspaces, |workspace| {
        let allowed = restricted.remove(&workspace.id);
        AdminWorkspaceView::of(workspace, allowed)
    })))
}
