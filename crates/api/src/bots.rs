//! The Telegram bots of assistants. A token comes in once, and never leaves again.

mod commands;
pub mod create;
pub mod replace_token;
mod token;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{
    bot::{Bot, BotMode},
    channel::ChannelStatus,
    command::OwnerCommand,
    ids::ChannelId,
};
use replyx_fleet::bots;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use self::commands::CommandBody;
use crate::{
    caller::{Authorized, BotsRead, BotsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// A bot, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotView {
    id: Uuid,
    assistant_id: Uuid,
    /// Its name in Telegram, without the `@`.
    #[schema(example = "acme_support_bot")]
    username: String,
    /// Telegram's number for the bot.
    #[schema(example = 110_201_543)]
    telegram_id: i64,
    /// How updates reach us: `auto`, `webhook` or `polling`.
    #[schema(example = "auto")]
    mode: BotMode,
    /// The owner's commands, in the order of the menu.
    commands: Vec<CommandBody>,
    /// `running`, `stopped` or `failed`.
    #[schema(example = "running")]
    status: ChannelStatus,
    /// Why it failed.
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Bot> for BotView {
    fn from(bot: Bot) -> Self {
        Self {
            id: bot.id.into_uuid(),
            assistant_id: bot.assistant_id.into_uuid(),
            username: bot.username,
            telegram_id: bot.telegram_id,
            mode: bot.mode,
            commands: bot.commands.into_iter().map(CommandBody::from).collect(),
            status: bot.status,
            error: bot.error,
            created_at: bot.created_at,
            updated_at: bot.updated_at,
        }
    }
}

/// Lists the bots, oldest first.
#[utoipa::path(
    get, path = "/bots", operation_id = "list_bots", tag = "bots",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of bots", body = List<BotView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<BotsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<BotView>> {
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).bots().list(page).await?;
    Ok(List::of(page, BotView::from))
}

/// Shows a bot.
#[utoipa::path(
    get, path = "/bots/{id}", operation_id = "read_bot", tag = "bots",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "the bot", body = BotView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.read", skip_all, fields(bot.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<BotsRead>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<BotView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).bots().find(id).await?;
    Ok(Json(found.ok_or(ApiError::NotFound("bot"))?.into()))
}

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateBot)]
pub struct UpdateRequest {
    /// How updates reach us: `auto`, `webhook` or `polling`.
    #[garde(skip)]
    #[schema(example = "polling")]
    mode: Option<BotMode>,
    /// The owner's commands, in the order of the menu, each name once. They replace all that there
    /// were.
    #[garde(dive)]
    #[schema(max_items = 50)]
    commands: Option<Vec<CommandBody>>,
}

/// Changes a bot.
#[utoipa::path(
    patch, path = "/bots/{id}", operation_id = "update_bot", tag = "bots",
    params(("id" = Uuid, Path)), request_body = UpdateRequest,
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
    caller: Authorized<BotsWrite>,
    Id(id): Id<ChannelId>,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Json<BotView>> {
    let commands = request.commands.map(|all| all.into_iter().map(OwnerCommand::from).collect());
    let bot = bots::update(state.fleet(), &caller, id, request.mode, commands).await?;
    Ok(Json(bot.into()))
}

/// Starts a bot. If it had failed, its error is cleared.
#[utoipa::path(
    post, path = "/bots/{id}/start", operation_id = "start_bot", tag = "bots",
    params(("id" = Uuid, Path)),
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
    caller: Authorized<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<BotView>> {
    let bot = bots::start(state.fleet(), &caller, id).await?;
    Ok(Json(bot.into()))
}

/// Stops a bot. Telegram keeps the customers' messages for up to a day.
#[utoipa::path(
    post, path = "/bots/{id}/stop", operation_id = "stop_bot", tag = "bots",
    params(("id" = Uuid, Path)),
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
    caller: Authorized<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<BotView>> {
    let bot = bots::stop(state.fleet(), &caller, id).await?;
    Ok(Json(bot.into()))
}

/// Deletes a bot and its token. Its dialogs stay.
#[utoipa::path(
    delete, path = "/bots/{id}", operation_id = "delete_bot", tag = "bots",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "the bot was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such bot", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.delete", skip_all, fields(bot.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<StatusCode> {
    bots::delete(state.fleet(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
