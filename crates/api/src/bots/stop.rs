//! `POST /api/v1/bots/{id}/stop`

use axum::{Json, extract::State};
use replyx_core::{channel::ChannelStatus, ids::ChannelId};

use super::BotView;
use crate::{
    caller::{BotsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Stops a bot. Telegram keeps the customers' messages for up to a day.
#[utoipa::path(
    post, path = "/bots/{id}/stop", operation_id = "stop_bot", tag = "bots",
    security(("bearer" = ["bots:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the bot as it is now", body = BotView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.stop", skip_all, fields(bot.id = %id))]
pub async fn stop(
    State(state): State<AppState>,
    caller: May<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<BotView>> {
    let changed = super::change(&state, &caller, "bot.stopped", id, |bot| {
        bot.status = ChannelStatus::Stopped;
    });
    Ok(Json(changed.await?))
}
