//! `GET /api/v1/auth/sessions`

use axum::{Json, extract::State};

use super::SessionView;
use crate::{caller::Account, error::ApiResult, page::List, state::AppState};

/// Lists where you are signed in, newest first: at most a hundred devices, on one page.
#[utoipa::path(
    get, path = "/auth/sessions", operation_id = "list_sessions", tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "the sessions that have not ended", body = List<SessionView>))
)]
#[tracing::instrument(name = "api.auth.sessions.list", skip_all)]
pub async fn list(state: State<AppState>, account: Account) -> ApiResult<Json<List<SessionView>>> {
    let State(state) = state;
    let (user, now) = (account.user().id, state.clock().now());
    let found = state.db().read().await?.system().sessions().list(user, now).await?;
    let items = found.into_iter().map(|session| SessionView::of(session, account.session));
    Ok(Json(List { items: items.collect(), next_cursor: None }))
}
