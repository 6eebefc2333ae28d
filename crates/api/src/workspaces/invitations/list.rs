//! `GET /api/v1/invitations`

use axum::{Json, extract::State};

use super::InvitationView;
use crate::{
    caller::{May, MembersRead},
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists invitations that nobody has taken up, newest first, also those that have ended.
#[utoipa::path(
    get, path = "/invitations", operation_id = "list_invitations", tag = "workspaces",
    security(("bearer" = ["members:read"])), params(PageQuery),
    responses((status = 200, description = "the invitations", body = List<InvitationView>))
)]
#[tracing::instrument(name = "api.invitations.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    caller: May<MembersRead>,
    query: Params<PageQuery>,
) -> ApiResult<Json<List<InvitationView>>> {
    let (State(state), Params(query)) = (state, query);
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let invitations = tx.workspace(caller.workspace_id).invitations().list(page).await?;
    Ok(Json(List::of(invitations, InvitationView::from)))
}
