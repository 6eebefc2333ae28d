//! `POST /api/v1/auth/logout`

use axum::{extract::State, http::StatusCode};
use serde_json::json;

use crate::{caller::Account, cookies::SetCookies, error::ApiResult, state::AppState};

/// Ends the session: its tokens open nothing from now on, and its cookies are taken away.
#[utoipa::path(
    post, path = "/auth/logout", operation_id = "logout_user", tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "you are signed out"))
)]
#[tracing::instrument(name = "api.auth.logout", skip_all)]
pub async fn logout(
    state: State<AppState>,
    account: Account,
) -> ApiResult<(StatusCode, SetCookies)> {
    let State(state) = state;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    if tx.system().sessions().revoke(account.user().id, account.session, now).await? {
        let act = account.act(now, "session.closed", ("session", account.session), json!({}));
        tx.system().audit().append(&act).await?;
    }
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, SetCookies::cleared()))
}
