//! `DELETE /api/v1/auth/sessions`

use axum::{extract::State, http::StatusCode};
use serde_json::json;

use crate::{caller::Account, error::ApiResult, state::AppState};

/// Signs all your other devices out, at once.
#[utoipa::path(
    delete, path = "/auth/sessions", operation_id = "revoke_other_sessions", tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "only this session is left"))
)]
#[tracing::instrument(name = "api.auth.sessions.delete_others", skip_all)]
pub async fn delete_others(state: State<AppState>, account: Account) -> ApiResult<StatusCode> {
    let State(state) = state;
    let (user, now) = (account.user().id, state.clock().now());
    let mut tx = state.db().begin().await?;
    let revoked = tx.system().sessions().revoke_all(user, Some(account.session), now).await?;
    if revoked > 0 {
        let details = json!({"sessions": revoked});
        let act = account.act(now, "session.others_revoked", ("user", user), details);
        tx.system().audit().append(&act).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
