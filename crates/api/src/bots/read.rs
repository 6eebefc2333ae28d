//! `GET /api/v1/bots/{id}`

use axum::{Json, extract::State};
use replyx_core::ids::ChannelId;

use super::BotView;
use crate::{
    caller::{BotsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Shows a bot.
#[utoipa::path(
    get, path = "/bots/{id}", operation_id = "read_bot", tag = "bots",
    security(("bearer" = ["bots:read"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the bot", body = BotView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.read", skip_all, fields(bot.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: May<BotsRead>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<BotView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).bots().find(id).await?;
    Ok(Json(found.ok_or(ApiError::NotFound("bot"))?.into()))
}
