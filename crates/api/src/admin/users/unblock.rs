//! `POST /api/v1/admin/users/{id}/unblock`

use axum::{Json, extract::State};
use replyx_core::ids::UserId;
use serde_json::json;

use super::AdminUserView;
use crate::{caller::Admin, error::ApiResult, input::Id, state::AppState};

/// Lets a blocked user sign in again.
#[utoipa::path(
    post, path = "/admin/users/{id}/unblock", operation_id = "unblock_user", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the user as they are now", body = AdminUserView),
    )
)]
#[tracing::instrument(name = "api.admin.users.unblock", skip_all, fields(user.id = %id.0))]
pub async fn unblock(
    state: State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<Json<AdminUserView>> {
    let (State(state), Id(id)) = (state, id);
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let mut user = super::find(&mut tx, id).await?;
    user.blocked_at = None;
    tx.system().users().set_blocked(id, user.blocked_at).await?;
    let details = json!({"email": user.email});
    let act = admin.act(now, "user.unblocked", ("user", id), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(user.into()))
}
