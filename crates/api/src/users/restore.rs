//! `POST /api/v1/me/restore`

use axum::{Json, extract::State};
use serde_json::json;

use super::UserView;
use crate::{
    auth::proof,
    caller::Account,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// Takes the deletion of your account back, in the time of grace. Without one to take back it changes nothing.
#[utoipa::path(
    post, path = "/me/restore", operation_id = "restore_me", tag = "users",
    security(("bearer" = [])),
    responses((status = 200, description = "you, as you are now: not to be deleted", body = UserView))
)]
#[tracing::instrument(name = "api.users.restore", skip_all)]
pub async fn restore(state: State<AppState>, account: Account) -> ApiResult<Json<UserView>> {
    let State(state) = state;
    let (id, now) = (account.user().id, state.clock().now());
    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    let found = tx.system().users().find(id).await?;
    let mut user = found.ok_or(ApiError::Unauthenticated)?;
    if user.delete_at.take().is_some() {
        tx.system().users().set_delete_at(id, None).await?;
        let act = account.act(now, "account.restored", ("user", id), json!({}));
        tx.system().audit().append(&act).await?;
    }
    tx.commit().await?;
    Ok(Json(user.into()))
}
