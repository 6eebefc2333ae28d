//! `GET /api/v1/workspaces`

use axum::{Json, extract::State};

use super::MembershipView;
use crate::{caller::Account, error::ApiResult, page::List, state::AppState};

/// Lists your workspaces, oldest membership first: at most 100, on one page.
#[utoipa::path(
    get, path = "/workspaces", operation_id = "list_workspaces", tag = "workspaces",
    security(("bearer" = [])),
    responses((status = 200, description = "your workspaces", body = List<MembershipView>))
)]
#[tracing::instrument(name = "api.workspaces.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    account: Account,
) -> ApiResult<Json<List<MembershipView>>> {
    let State(state) = state;
    let found = state.db().read().await?.system().users().memberships(account.user().id).await?;
    let items = found.into_iter().map(MembershipView::from).collect();
    Ok(Json(List { items, next_cursor: None }))
}
