//! `GET /api/v1/members`

use axum::{Json, extract::State};

use super::MemberView;
use crate::{
    caller::{May, MembersRead},
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists who works in the workspace.
#[utoipa::path(
    get, path = "/members", operation_id = "list_members", tag = "workspaces",
    security(("bearer" = ["members:read"])), params(PageQuery),
    responses((status = 200, description = "the members", body = List<MemberView>))
)]
#[tracing::instrument(name = "api.members.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    caller: May<MembersRead>,
    query: Params<PageQuery>,
) -> ApiResult<Json<List<MemberView>>> {
    let (State(state), Params(query)) = (state, query);
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let members = tx.workspace(caller.workspace_id).members().list(page).await?;
    Ok(Json(List::of(members, MemberView::from)))
}
