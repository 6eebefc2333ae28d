//! `GET /api/v1/admin/users/{id}`

use axum::{Json, extract::State};
use replyx_core::ids::UserId;

use super::AdminUserView;
use crate::{caller::Admin, error::ApiResult, input::Id, state::AppState};

/// Shows a user.
#[utoipa::path(
    get, path = "/admin/users/{id}", operation_id = "read_user", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the user", body = AdminUserView))
)]
#[tracing::instrument(name = "api.admin.users.read", skip_all, fields(user.id = %id.0))]
pub async fn read(
    state: State<AppState>,
    _admin: Admin,
    id: Id<UserId>,
) -> ApiResult<Json<AdminUserView>> {
    let (State(state), Id(id)) = (state, id);
    let mut tx = state.db().read().await?;
    Ok(Json(super::find(&mut tx, id).await?.into()))
}
