//! `DELETE /api/v1/bots/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::BotId;

use crate::{
    caller::Manager,
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes a bot and its token. Its dialogs stay.
#[utoipa::path(
    delete, path = "/bots/{id}", operation_id = "delete_bot", tag = "bots",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.delete", skip_all, fields(bot.id = %id.0))]
pub async fn delete(
    state: State<AppState>,
    manager: Manager,
    id: Id<BotId>,
) -> ApiResult<StatusCode> {
    let (State(state), Manager(caller), Id(id)) = (state, manager, id);
    let mut tx = state.db().begin().await?;
    if !tx.workspace(caller.workspace_id).bots().delete(id, state.clock().now()).await? {
        return Err(ApiError::NotFound("bot"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
