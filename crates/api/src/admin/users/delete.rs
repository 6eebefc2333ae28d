//! `DELETE /api/v1/admin/users/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::UserId;
use serde_json::json;

use crate::{
    caller::Admin,
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
    users::delete::refuse_last_owner,
};

/// Deletes a user, without a time of grace: they are out at once, and what is theirs alone is gone within minutes.
#[utoipa::path(
    delete, path = "/admin/users/{id}", operation_id = "delete_user", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 202, description = "they are out, and will be deleted"),
        (status = 409, description = "`yourself`, `last_owner`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.users.delete", skip_all, fields(user.id = %id.0))]
pub async fn delete(state: State<AppState>, admin: Admin, id: Id<UserId>) -> ApiResult<StatusCode> {
    let (State(state), Id(id)) = (state, id);
    super::not_yourself(&admin, id)?;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let user = super::find(&mut tx, id).await?;
    refuse_last_owner(&mut tx, id).await?;
    tx.system().users().set_blocked(id, Some(user.blocked_at.unwrap_or(now))).await?;
    tx.system().users().set_delete_at(id, Some(now)).await?;
    let details = json!({"email": user.email});
    tx.system().audit().append(&admin.act(now, "user.deleted", ("user", id), details)).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}
