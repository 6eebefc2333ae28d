//! `DELETE /api/v1/admin/users/{id}/second-factor`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::UserId;
use serde_json::json;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Removes the second factor of a user who has lost it, and ends their sessions.
#[utoipa::path(
    delete, path = "/admin/users/{id}/second-factor", operation_id = "reset_second_factor",
    tag = "admin", security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "a password is enough now"))
)]
#[tracing::instrument(name = "api.admin.users.second_factor", skip_all, fields(user.id = %id.0))]
pub async fn reset(state: State<AppState>, admin: Admin, id: Id<UserId>) -> ApiResult<StatusCode> {
    let (State(state), Id(id)) = (state, id);
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let user = super::find(&mut tx, id).await?;
    if !tx.system().second_factors().remove(id).await? {
        return Err(ApiError::NotFound("second factor"));
    }
    tx.system().sessions().revoke_all(id, None, now).await?;
    let details = json!({"email": user.email});
    let act = admin.act(now, "second_factor.reset", ("user", id), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
