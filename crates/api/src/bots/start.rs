//! `POST /api/v1/bots/{id}/start`

use axum::{Json, extract::State};
use replyx_core::{bot::BotStatus, ids::BotId};

use super::BotView;
use crate::{
    caller::{BotsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Starts a bot, also one that failed: what was wrong is forgotten.
#[utoipa::path(
    post, path = "/bots/{id}/start", operation_id = "start_bot", tag = "bots",
    security(("bearer" = ["bots:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the bot as it is now", body = BotView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.start", skip_all, fields(bot.id = %id.0))]
pub async fn start(
    state: State<AppState>,
    caller: May<BotsWrite>,
    id: Id<BotId>,
) -> ApiResult<Json<BotView>> {
    let (State(state), Id(id)) = (state, id);
    let changed = super::change(&state, &caller, "bot.started", id, |bot| {
        bot.status = BotStatus::Running;
        bot.error = None;
    });
    Ok(Json(changed.await?))
}
