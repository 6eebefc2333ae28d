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
    body::Bytes,
    extract::{FromRequest, Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use replyx_channels::telegram::{
    inbound::{self, Read, Us},
    webhook,
};
use replyx_core::{
    bot::Bot,
    channel::ChannelStatus,
    clock::random_hex,
    ids::ChannelId,
    secret::{Keys, same, sha256_hex},
    setting,
};
use replyx_engine::intake::{Door, IntakeError};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::{
    address::ClientAddress,
    error::{ApiError, ApiResult, Problem},
    guesses::Guess,
    input::whole,
    state::AppState,
};

/// The header with the other secret.
const SECRET: &str = "x-telegram-bot-api-secret-token";
/// How many hexadecimal digits the secret part of an address has.
const PATH_DIGITS: usize = 48;
/// How many of them, at its beginning, are the bot's id.
const ID_DIGITS: usize = 32;
/// How many random bytes follow the id.
const RANDOM_BYTES: usize = (PATH_DIGITS - ID_DIGITS) / 2;

/// The secret part of a new bot's address. It begins with the bot's id, so that the other secret
/// can be checked without the database.
pub(crate) fn new_path(bot: ChannelId) -> String {
    format!("{}{}", bot.into_uuid().simple(), random_hex::<RANDOM_BYTES>())
}

/// Does the header prove that Telegram calls for the bot whose id the path begins with?
fn is_proved(keys: &Keys, path: &str, shown: &str) -> bool {
    let id = path.get(..ID_DIGITS).and_then(|id| Uuid::try_parse(id).ok());
    id.is_some_and(|id| same(shown, secret_token(keys, ChannelId::from(id)).expose_secret()))
}

/// The token Telegram shows in `X-Telegram-Bot-Api-Secret-Token` when it calls for this bot.
pub fn secret_token(keys: &Keys, bot: ChannelId) -> SecretString {
    let key = keys.key(&format!("telegram-webhook:{bot}"));
    SecretString::from(sha256_hex(key.as_slice()))
}

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
        (status = 200, description = "the update is stored, or is not for us"),
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
    let is_path = path.len() == PATH_DIGITS && path.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_path && is_proved(state.keys(), path, shown) {
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
    if !same(shown, secret_token(state.keys(), bot.id).expose_secret()) {
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
async fn take(state: &AppState, bot: &Bot, request: Request) -> ApiResult<StatusCode> {
    let body = whole(Bytes::from_request(request, state).await, webhook::BODY_LIMIT)?;
    let Ok(update) = webhook::update_from(&body) else {
        metrics::counter!("updates_total", "outcome" => "malformed").increment(1);
        return Ok(StatusCode::OK);
    };
    match inbound::read(&update, Us { id: bot.telegram_id, username: &bot.username }) {
        Read::Ignored { reason, .. } => {
            metrics::counter!("updates_ignored_total", "reason" => reason).increment(1);
            metrics::counter!("updates_total", "outcome" => "ignored").increment(1);
        }
        Read::Inbound(inbound) => {
            state.gatherer.accept(Door::from(bot), inbound).await.map_err(|error| match error {
                IntakeError::Full => ApiError::Busy(Duration::from_secs(1)),
                IntakeError::Storage(error) => error.into(),
            })?;
        }
    }
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_path_and_its_token_prove_the_bot_without_the_database() {
        let keys = Keys::derive(&SecretString::from("0123456789abcdef0123456789abcdef")).unwrap();
        let bot = ChannelId::from(Uuid::from_u128(7));
        let other = ChannelId::from(Uuid::from_u128(8));
        let path = new_path(bot);
        assert!(path.len() == PATH_DIGITS && path.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let token = |bot| secret_token(&keys, bot).expose_secret().to_owned();
        assert!(is_proved(&keys, &path, &token(bot)));
        assert!(!is_proved(&keys, &path, &token(other)));
        assert!(!is_proved(&keys, &random_hex::<24>(), &token(bot)));
        assert!(!is_proved(&keys, &path, "") && !is_proved(&keys, "", ""));
    }
}
