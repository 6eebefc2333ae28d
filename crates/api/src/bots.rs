//! The Telegram bots of assistants. A token comes in once, and never leaves again.

mod claim;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod start;
pub mod stop;
mod token;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::{
    bot::{Bot, BotMode},
    channel::ChannelStatus,
    ids::ChannelId,
};
use replyx_storage::StorageError;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Caller,
    error::{ApiError, ApiResult},
    state::{AppState, WebhookScheme},
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
            status: bot.status,
            error: bot.error,
            created_at: bot.created_at,
            updated_at: bot.updated_at,
        }
    }
}

/// Refuses a way for updates that cannot work here, instead of a bot that fails a moment later.
///
/// # Errors
///
/// 422 for `webhook` where Telegram has no address to call.
fn check_mode(state: &AppState, mode: Option<BotMode>) -> ApiResult<()> {
    if mode != Some(BotMode::Webhook) {
        return Ok(());
    }

    let public_url = state.settings.public_url.as_deref();
    let is_reachable = public_url.is_some_and(|url| match state.settings.webhooks {
        WebhookScheme::HttpsOnly => url.starts_with("https://"),
        WebhookScheme::HttpAllowed => true,
    });
    if is_reachable {
        return Ok(());
    }

    let message =
        "a webhook needs an https address that Telegram can call: set PUBLIC_URL, or use `polling`";
    Err(ApiError::field("mode", message))
}

/// Changes a bot, as the audit log calls it; a change that changes nothing is not told to anybody.
async fn change(
    state: &AppState,
    caller: &Caller,
    action: &str,
    id: ChannelId,
    change: impl FnOnce(&mut Bot) + Send,
) -> ApiResult<BotView> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).bots().lock(id).await?;
    let before = found.ok_or(ApiError::NotFound("bot"))?;
    let mut bot = before.clone();
    change(&mut bot);
    if bot != before {
        bot.updated_at = state.clock().now();
        tx.workspace(workspace).bots().save(&bot).await.map_err(|error| match error {
            // Deleted since we found it.
            StorageError::RowsAffected { .. } => ApiError::NotFound("bot"),
            error => error.into(),
        })?;
        let details = json!({"username": bot.username, "mode": bot.mode.as_str()});
        let act = caller.act(bot.updated_at, action, ("bot", id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
    }
    Ok(bot.into())
}
