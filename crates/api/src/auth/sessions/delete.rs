//! `DELETE /api/v1/auth/sessions/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::SessionId;
use serde_json::json;

use crate::{
    caller::Account,
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Signs one of your devices out, at once.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", operation_id = "revoke_session", tag = "auth",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "the session")),
    responses((status = 204, description = "its tokens open nothing any more"))
)]
#[tracing::instrument(name = "api.auth.sessions.delete", skip_all, fields(session.id = %id.0))]
pub async fn delete(
    state: State<AppState>,
    account: Account,
    id: Id<SessionId>,
) -> ApiResult<StatusCode> {
    let (State(state), Id(id)) = (state, id);
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    if !tx.system().sessions().revoke(account.user().id, id, now).await? {
        return Err(ApiError::NotFound("session"));
    }
    let act = account.act(now, "session.revoked", ("session", id), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
