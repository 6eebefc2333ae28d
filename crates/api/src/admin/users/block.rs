//! `POST /api/v1/admin/users/{id}/block`

use axum::{Json, extract::State};
use replyx_core::ids::UserId;
use serde_json::json;

use super::AdminUserView;
use crate::{
    caller::Admin,
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Blocks a user: all their sessions end at once, and they cannot sign in.
#[utoipa::path(
    post, path = "/admin/users/{id}/block", operation_id = "block_user", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the user as they are now", body = AdminUserView),
        (status = 409, description = "`yourself`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.users.block", skip_all, fields(user.id = %id.0))]
pub async fn block(
    state: State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<Json<AdminUserView>> {
    let (State(state), Id(id)) = (state, id);
    super::not_yourself(&admin, id)?;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let mut user = super::find(&mut tx, id).await?;
    user.blocked_at = Some(user.blocked_at.unwrap_or(now));
    tx.system().users().set_blocked(id, user.blocked_at).await?;
    let details = json!({"email": user.email});
    let act = admin.act(now, "user.blocked", ("user", id), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(user.into()))
}
