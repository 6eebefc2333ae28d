//! `POST /api/v1/assistants/{id}/bots`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    bot::{Bot, BotMode},
    ids::AssistantId,
};
use replyx_fleet::bots::{self, BotRegistration};
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
    location::Location,
    state::AppState,
};

/// A new bot.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateBot)]
pub struct Request {
    /// The token from `@BotFather`. It is stored encrypted and never shown again.
    #[garde(custom(plausible))]
    #[schema(value_type = String, format = Password, write_only, pattern = "^[0-9]{1,20}:[A-Za-z0-9_-]{30,100}$", example = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")]
    token: Token,
    /// How updates reach us: `auto`, `webhook` or `polling`; `auto` unless given.
    #[garde(skip)]
    #[schema(example = "auto")]
    mode: Option<BotMode>,
}

/// Registers a bot and starts it. The token is checked with Telegram.
///
/// A bot runs only once in an installation. Registering a bot of another workspace with a newer
/// token takes it over, once Telegram refuses the stored token: the old registration becomes
/// `failed` and keeps its dialogs. In the same assistant, the bot keeps its id and its dialogs.
#[utoipa::path(
    post, path = "/assistants/{id}/bots", operation_id = "create_bot", tag = "bots",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 201, description = "the bot", body = BotView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`bot_exists`: this bot is registered already, and its stored token works",
            body = Problem),
        (status = 422, description = "a field is not acceptable; `mode` cannot be `webhook` without an https `PUBLIC_URL`",
            body = Problem),
        (status = 502, description = "Telegram could not be asked", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.create", skip_all, fields(assistant.id = %id))]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<BotsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<BotView>)> {
    let Token(token) = request.token;
    let new = BotRegistration { token, mode: request.mode };
    let still_may = || caller.still_may(&state);
    let bot: Bot = bots::create(state.fleet(), &caller, id, new, still_may).await?;

    let location = Location(format!("/api/v1/bots/{}", bot.id));
    Ok((StatusCode::CREATED, location, Json(bot.into())))
}
