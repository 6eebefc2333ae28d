//! `GET /api/v1/api-keys`

use axum::{Json, extract::State};

use super::ApiKeyView;
use crate::{
    caller::{KeysWrite, May},
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the workspace's keys, newest first, also those that have ended. The keys themselves are not shown.
#[utoipa::path(
    get, path = "/api-keys", operation_id = "list_api_keys", tag = "workspaces",
    security(("bearer" = ["keys:write"])), params(PageQuery),
    responses((status = 200, description = "the keys", body = List<ApiKeyView>))
)]
#[tracing::instrument(name = "api.api_keys.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    caller: May<KeysWrite>,
    query: Params<PageQuery>,
) -> ApiResult<Json<List<ApiKeyView>>> {
    let (State(state), Params(query)) = (state, query);
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let keys = tx.workspace(caller.workspace_id).api_keys().list(page).await?;
    Ok(Json(List::of(keys, ApiKeyView::from)))
}
