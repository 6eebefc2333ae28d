//! `DELETE /api/v1/bots/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::ChannelId;
use serde_json::json;

use crate::{
    caller::{BotsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes a bot and its token. Its dialogs stay.
#[utoipa::path(
    delete, path = "/bots/{id}", operation_id = "delete_bot", tag = "bots",
    security(("bearer" = ["bots:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.delete", skip_all, fields(bot.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: May<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<StatusCode> {
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).bots().lock(id).await?;
    let bot = found.ok_or(ApiError::NotFound("bot"))?;
    if !tx.workspace(workspace).bots().delete(id, now).await? {
        return Err(ApiError::NotFound("bot"));
    }
    let act = caller.act(now, "bot.deleted", ("bot", id), json!({"username": bot.username}));
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
