//! Channels of every kind: the ways in which customers and assistants write to each other. What
//! only bots have is in [`crate::bots`].

pub mod create;
pub mod messages;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{Channel, ChannelKind, ChannelStatus},
    ids::ChannelId,
};
use replyx_fleet::channels;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, BotsRead, BotsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// A channel, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelView {
    id: Uuid,
    assistant_id: Uuid,
    /// `telegram` or `api`.
    #[schema(example = "api")]
    kind: ChannelKind,
    /// Its name: a bot's username in Telegram, or the name given at its creation.
    #[schema(example = "Mobile app")]
    name: String,
    /// `running`, `stopped` or `failed`.
    #[schema(example = "running")]
    status: ChannelStatus,
    /// Why it failed.
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id.into_uuid(),
            assistant_id: channel.assistant_id.into_uuid(),
            kind: channel.kind,
            name: channel.name,
            status: channel.status,
            error: channel.error,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

/// Lists the channels of every kind, oldest first.
#[utoipa::path(
    get, path = "/channels", operation_id = "list_channels", tag = "channels",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of channels", body = List<ChannelView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.channels.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<BotsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<ChannelView>> {
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).channels().list(page).await?;
    Ok(List::of(page, ChannelView::from))
}

/// Returns a channel.
#[utoipa::path(
    get, path = "/channels/{id}", operation_id = "read_channel", tag = "channels",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "the channel", body = ChannelView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such channel", body = Problem),
    )
)]
#[tracing::instrument(name = "api.channels.read", skip_all, fields(channel.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<BotsRead>,
    Id(id): Id<ChannelId>,
) -> ApiResult<Json<ChannelView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).channels().find(id).await?;
    Ok(Json(found.ok_or(ApiError::NotFound("channel"))?.into()))
}

/// Deletes a channel, and with it a bot's token. Its dialogs stay.
#[utoipa::path(
    delete, path = "/channels/{id}", operation_id = "delete_channel", tag = "channels",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such channel", body = Problem),
    )
)]
#[tracing::instrument(name = "api.channels.delete", skip_all, fields(channel.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<BotsWrite>,
    Id(id): Id<ChannelId>,
) -> ApiResult<StatusCode> {
    channels::delete(state.fleet(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
