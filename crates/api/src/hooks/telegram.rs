//! `POST /hooks/telegram/{path}`: Telegram delivers an update.
//!
//! The path is a secret of the bot, the header another one. The update is committed before it is
//! acknowledged; what we do not understand is acknowledged and counted, because Telegram would deliver it
//! again for a day.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode},
};
use replyx_channels::telegram::{
    inbound::{self, Read, Us},
    webhook,
};
use replyx_core::{bot::BotStatus, ids::BotId, secret::Keys, secret::same};
use replyx_engine::intake::{Door, IntakeError};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    error::{ApiError, ApiResult, Problem},
    input::whole,
    state::AppState,
};

/// The token Telegram shows in `X-Telegram-Bot-Api-Secret-Token` when it calls for this bot.
pub fn secret_token(keys: &Keys, bot: BotId) -> SecretString {
    let key = keys.key(&format!("telegram-webhook:{bot}"));
    SecretString::from(replyx_core::secret::sha256_hex(key.as_slice()))
}

/// Takes an update of a bot.
///
/// For Telegram alone: the path is a secret of the bot, the header `X-Telegram-Bot-Api-Secret-Token` another one.
#[utoipa::path(
    post, path = "/hooks/telegram/{path}", operation_id = "receive_telegram_update", tag = "hooks",
    params(("path" = String, Path, description = "the secret part of the bot's address")),
    request_body(content = String, content_type = "application/json", description = "an `Update` of the Bot API",
        example = json!({"update_id": 1})),
    responses(
        (status = 200, description = "the update is stored, or is none of ours"),
        (status = 401, description = "the secret token is missing or wrong", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
        (status = 413, description = "larger than any update", body = Problem),
        (status = 503, description = "not now; deliver it again", body = Problem),
    )
)]
#[tracing::instrument(name = "api.hooks.telegram", skip_all)]
pub async fn receive(
    state: State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> ApiResult<StatusCode> {
    let State(state) = state;
    let Path(path) = path.map_err(|_| ApiError::NotFound("bot"))?;
    if !path.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        // Not one of ours; a database need not take it.
        return Err(ApiError::NotFound("bot"));
    }
    let found = state.db().read().await?.system().bots().find_by_hook(&path).await?;
    let bot = found.ok_or(ApiError::NotFound("bot"))?.bot;
    let expected = secret_token(state.keys(), bot.id);
    let shown =
        headers.get("x-telegram-bot-api-secret-token").and_then(|value| value.to_str().ok());
    if !shown.is_some_and(|shown| same(shown, expected.expose_secret())) {
        return Err(ApiError::Unauthenticated);
    }
    if bot.status != BotStatus::Running {
        // Telegram keeps it until the bot is started again.
        return Err(ApiError::Busy(Duration::from_mins(1)));
    }
    let body = whole(body, webhook::BODY_LIMIT)?;
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
            state.gatherer.accept(Door::from(&bot), inbound).await.map_err(
                |error| match error {
                    IntakeError::Full => ApiError::Busy(Duration::from_secs(1)),
                    IntakeError::Storage(error) => error.into(),
                },
            )?;
        }
    }
    Ok(StatusCode::OK)
}
