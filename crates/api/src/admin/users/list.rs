//! `GET /api/v1/admin/users`

use axum::{Json, extract::State};
use serde::Deserialize;

use super::AdminUserView;
use crate::{
    admin::search_text,
    caller::Admin,
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Which users.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only those whose e-mail address or name contains this, whatever its case.
    #[param(max_length = 100, example = "anna")]
    q: Option<String>,
    /// At most this many items: 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists all users, newest first.
#[utoipa::path(
    get, path = "/admin/users", operation_id = "list_users", tag = "admin",
    security(("bearer" = ["admin"])), params(Query),
    responses((status = 200, description = "the users", body = List<AdminUserView>))
)]
#[tracing::instrument(name = "api.admin.users.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    _admin: Admin,
    query: Params<Query>,
) -> ApiResult<Json<List<AdminUserView>>> {
    let (State(state), Params(query)) = (state, query);
    let wanted = search_text(query.q.as_deref())?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let mut tx = state.db().read().await?;
    let users = tx.system().users().list(wanted, page).await?;
    Ok(Json(List::of(users, AdminUserView::from)))
}
