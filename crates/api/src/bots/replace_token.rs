//! `PUT /api/v1/bots/{id}/token`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{bot::Bot, ids::ChannelId};
use replyx_fleet::bots;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    BotView,
    token::{Token, plausible},
};
use crate::{
    caller::{Authorized, BotsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// The newest token of a bot.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplaceBotToken)]
pub struct Request {
    /// The token from `@BotFather`. It is stored encrypted and never shown again.
    #[garde(custom(plausible))]
    #[schema(value_type = String, format = Password, write_only, pattern = "^[0-9]{1,20}:[A-Za-z0-9_-]{30,100}$", example = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")]
    token: Token,
}

/// Replaces the token of a bot. The token is checked with Telegram.
///
/// The bot keeps its id, its dialogs and its settings. If it had failed, its error is cleared and
/// it runs with the new token; a stopped bot stays stopped.
#[utoipa::path(
    put, path = "/bots/{id}/token", operation_id = "replace_bot_token", tag = "bots",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the bot as it is now", body = BotView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
        (status = 409, description = "`other_bot`: it is the token of another bot; `token_unchanged`: it is stored already; \
`bot_moved`: the bot was connected elsewhere with a newer token", body = Problem),
        (status = 422, description = "a field is not acceptable, or Telegram does not accept the token", body = Problem),
        (status = 502, description = "Telegram could not be asked", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.replace_token", skip_all, fields(bot.id = %id))]
pub async fn replace(
    State(state): State<AppState>,
    caller: Authorized<BotsWrite>,
    Id(id): Id<ChannelId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<BotView>> {
    let Token(token) = request.token;
    let still_may = || caller.still_may(&state);
    let bot: Bot = bots::replace_token(state.fleet(), &caller, id, token, still_may).await?;
    Ok(Json(bot.into()))
}
