//! `POST /hooks/telegram/{path}`: Telegram delivers an update.
//!
//! The path is a secret of the bot, the header another one. Both are checked before anything of the
//! body is read. A request whose header fits the id in its path is Telegram's; for the rest, an
//! address that guesses is turned away before the database is asked
//! ([`Guesses`](crate::guesses::Guesses)). The body must come within [`HOOK`](crate::bounds::HOOK).
//! The update is committed before it is acknowledged; what we do not understand is acknowledged and
//! counted, because Telegram would deliver it again for a day.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use replyx_core::{bot::Bot, channel::ChannelStatus, secret::sha256_hex, setting};
use replyx_fleet::{hooks, receive};
use serde_json::{Value, json};

use crate::{
    address::ClientAddress,
    error::{ApiError, ApiResult, Problem},
    guesses::Guess,
    input::whole,
    state::AppState,
};

/// The header with the other secret.
const SECRET: &str = "x-telegram-bot-api-secret-token";

/// Receives an update of a bot.
///
/// For Telegram only: the path is a secret of the bot, and the header
/// `X-Telegram-Bot-Api-Secret-Token` another one.
#[utoipa::path(
    post, path = "/hooks/telegram/{path}", operation_id = "receive_telegram_update", tag = "hooks",
    params(("path" = String, Path, description = "the secret part of the bot's address")),
    request_body(content = Object, content_type = "application/json", description = "an `Update` of the Bot API",
        example = json!({"update_id": 1})),
    responses(
        (status = 200, description = "the update is stored, or is not for us; the body is a call of the Bot API where the press of a button is to be answered, and empty otherwise",
            body = Object, example = json!({"method": "answerCallbackQuery", "callback_query_id": "4382bfdwdsb323b2d9"})),
        (status = 401, description = "the secret token is missing or wrong", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
        (status = 413, description = "larger than any update", body = Problem),
        (status = 429, description = "too many wrong secrets from this address", body = Problem),
        (status = 503, description = "not now; deliver it again", body = Problem),
    )
)]
#[tracing::instrument(name = "api.hooks.telegram", skip_all)]
pub async fn receive(
    state: State<AppState>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let State(state) = state;
    let path = path.map(|Path(path)| path).unwrap_or_default();
    let address = request.extensions().get::<ClientAddress>().copied().unwrap_or_default();
    let bot = match authentic(&state, &path, request.headers(), address).await {
        Ok(bot) => bot,
        Err(error) => return turned_away(error),
    };
    take(&state, &bot, request).await.into_response()
}

/// The body of a rejected request is not awaited.
fn turned_away(error: ApiError) -> Response {
    let mut response = error.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The bot that a request with both its secrets is for.
async fn authentic(
    state: &AppState,
    path: &str,
    headers: &HeaderMap,
    address: ClientAddress,
) -> ApiResult<Bot> {
    let shown = headers.get(SECRET).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_path = hooks::is_path(path);
    if is_path && hooks::is_proved(state.keys(), path, shown) {
        // All bots are called from the same few addresses: what others do there must not keep this
        // one out.
        return running(find(state, path).await?.ok_or(ApiError::NotFound("bot"))?);
    }

    let whose = address.key();
    let rate = state.tuning.rate(setting::RATE_HOOK_GUESSES).into();
    let what = sha256_hex(format!("{path}\n{shown}").as_bytes());
    let wrong_secret = format!("secret:{what}");
    let guess = state.hook_guesses.may_look_up(&what, &whose, rate, 0);
    if let Guess::Wait(wait) = guess {
        metrics::counter!("rate_limited_total", "limit" => setting::RATE_HOOK_GUESSES).increment(1);
        return Err(ApiError::TooManyRequests(wait.into()));
    }
    // What cannot be one of ours, or was not a moment ago, a database need not look for.
    if !is_path || guess == Guess::Bad {
        state.hook_guesses.count(&whose, rate);
        return Err(ApiError::NotFound("bot"));
    }
    if state.hook_guesses.is_bad(&wrong_secret, 0) {
        state.hook_guesses.count(&whose, rate);
        return Err(ApiError::Unauthenticated);
    }

    let Some(bot) = find(state, path).await? else {
        state.hook_guesses.missed(what, &whose, rate, 0);
        return Err(ApiError::NotFound("bot"));
    };
    if !hooks::is_token(state.keys(), bot.id, shown) {
        state.hook_guesses.missed(wrong_secret, &whose, rate, 0);
        return Err(ApiError::Unauthenticated);
    }
    state.hook_guesses.found(what);
    running(bot)
}

async fn find(state: &AppState, path: &str) -> ApiResult<Option<Bot>> {
    metrics::counter!("hook_lookups_total").increment(1);
    let found = state.db().read().await?.system().bots().find_by_hook(path).await?;
    Ok(found.map(|found| found.bot))
}

/// The bot, if it takes updates now.
fn running(bot: Bot) -> ApiResult<Bot> {
    if bot.status != ChannelStatus::Running {
        // Telegram keeps it until the bot is started again.
        return Err(ApiError::Busy(Duration::from_mins(1)));
    }
    Ok(bot)
}

/// Reads the update and hands it on.
async fn take(state: &AppState, bot: &Bot, request: Request) -> ApiResult<Json<Value>> {
    let body = whole(Bytes::from_request(request, state).await, receive::BODY_LIMIT)?;
    let call = receive::posted(&state.gatherer, bot, &body).await?;
    Ok(Json(call.unwrap_or_else(|| json!({}))))
}
