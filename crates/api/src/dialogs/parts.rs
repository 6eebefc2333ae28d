//! `GET /api/v1/messages/{id}/deliveries` and `POST /api/v1/messages/{id}/retry`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use replyx_core::{ids::MessageId, message::PartStatus};
use replyx_engine::replies;
use replyx_storage::outbox::PartState;
use serde::Serialize;
use utoipa::ToSchema;

use super::messages::{self, MessageView};
use crate::{
    caller::{Authorized, DialogsRead, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    page::List,
    state::AppState,
};

/// How far a part of a reply is.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryPart {
    /// Its number, from 1: long replies are sent in parts.
    #[schema(example = 1)]
    part: i64,
    #[schema(example = "sent")]
    status: PartStatus,
    /// How often it was sent or tried.
    #[schema(example = 1)]
    attempts: i64,
    /// How often it could not be known whether it arrived; it may have arrived so many times more.
    #[schema(example = 0)]
    uncertain: i64,
    /// Why the last attempt failed.
    error: Option<String>,
    updated_at: DateTime<Utc>,
}

impl From<PartState> for DeliveryPart {
    fn from(part: PartState) -> Self {
        Self {
            part: part.part,
            status: part.status,
            attempts: part.attempts,
            uncertain: part.uncertain,
            error: part.error,
            updated_at: part.updated_at,
        }
    }
}

/// Lists the parts of a reply and how far each is. Parts are forgotten 30 days after they were
/// sent.
#[utoipa::path(
    get, path = "/messages/{id}/deliveries", operation_id = "list_deliveries", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the parts; none of a message that is not sent", body = List<DeliveryPart>),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such message", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.parts", skip_all, fields(message.id = %id))]
pub async fn parts(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<MessageId>,
) -> ApiResult<List<DeliveryPart>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).messages().find(id).await?;
    found.ok_or(ApiError::NotFound("message"))?;
    let parts = tx.workspace(caller.workspace_id).outbox().parts(id).await?;
    let items = parts.into_iter().map(DeliveryPart::from).collect();
    Ok(List { items, next_cursor: None })
}

/// Sends again what the channel refused of a reply, as it was. Parts that arrived are not repeated.
#[utoipa::path(
    post, path = "/messages/{id}/retry", operation_id = "retry_message", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the message, which is queued", body = MessageView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such message", body = Problem),
        (status = 409, description = "`not_failed`, `not_yours`, `closed`, `contact_blocked` or `channel_deleted`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.retry", skip_all, fields(message.id = %id))]
pub async fn retry(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<MessageId>,
) -> ApiResult<Json<MessageView>> {
    let message = replies::retry(&state.engine, &caller, id).await?;
    Ok(Json(messages::shown(&state, message).await?))
}
