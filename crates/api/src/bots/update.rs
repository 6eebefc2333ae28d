//! `PATCH /api/v1/bots/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{bot::BotMode, ids::ChannelId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::BotView;
use crate::{
    caller::{BotsWrite, May},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateBot)]
pub struct Request {
    /// How updates reach us: `auto`, `webhook` or `polling`.
    #[garde(skip)]
    #[schema(example = "polling")]
    mode: Option<BotMode>,
}

/// Changes a bot.
#[utoipa::path(
    patch, path = "/bots/{id}", operation_id = "update_bot", tag = "bots",
    security(("bearer" = ["bots:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the bot as it is now", body = BotView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
        (status = 422, description = "a field is not acceptable; `mode` cannot be `webhook` without an https `PUBLIC_URL`",
            body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.update", skip_all, fields(bot.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: May<BotsWrite>,
    Id(id): Id<ChannelId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<BotView>> {
    super::check_mode(&state, request.mode)?;
    let changed = super::change(&state, &caller, "bot.updated", id, |bot| {
        bot.mode = request.mode.unwrap_or(bot.mode);
    });
    Ok(Json(changed.await?))
}
