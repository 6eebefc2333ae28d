//! `POST /api/v1/bots/{id}/start`

use axum::{Json, extract::State};
use replyx_core::{channel::ChannelStatus, ids::ChannelId};

use super::BotView;
use crate::{
    caller::{BotsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Starts a bot. If it had failed, its error is cleared.
#[utoipa::path(
    post, path = "/bots/{id}/start", operation_id = "start_bot", tag = "bots",
    security(("bearer" = ["bots:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the bot as it is now", body = BotView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
        (status = 409, description = "`bot_moved`: it was connected elsewhere with a newer token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.start", skip_all, fields(bot.id = %id))]
pub async fn start(
    State(state): State<AppState>,
    caller: May<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<BotView>> {
    let mut tx = state.db().read().await?;
    if tx.workspace(caller.workspace_id).bots().has_moved(id).await? {
        let detail = "the bot was connected elsewhere with a newer token; connect it again with its newest token";
        return Err(ApiError::Conflict { code: "bot_moved", detail: detail.to_owned() });
    }
    drop(tx);
    let changed = super::change(&state, &caller, "bot.started", id, |bot| {
        bot.status = ChannelStatus::Running;
        bot.error = None;
    });
    Ok(Json(changed.await?))
}
