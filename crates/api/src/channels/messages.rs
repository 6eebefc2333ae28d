//! `POST /api/v1/channels/{id}/messages`

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    channel::{Address, ChannelKind, ChannelStatus, ChatKind, Inbound, InboundContent, MessageRef},
    ids::ChannelId,
};
use replyx_engine::intake::{Door, IntakeError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{May, MessagesWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id, plain_name},
    state::AppState,
};

/// What a user of your program said.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostMessage)]
pub struct Request {
    /// Which user: any name that stays the same. All that one user says belongs to one dialog at a
    /// time.
    #[garde(length(chars, min = 1, max = 200), custom(plain_name))]
    #[schema(min_length = 1, max_length = 200, example = "user-42")]
    contact: String,
    /// What the user calls themselves, to be shown to operators; `contact` unless given.
    #[garde(inner(length(chars, min = 1, max = 128), custom(plain_name)))]
    #[schema(min_length = 1, max_length = 128, example = "Ann")]
    name: Option<String>,
    /// The words.
    #[garde(length(chars, min = 1, max = 4_096), custom(telling))]
    #[schema(
        min_length = 1,
        max_length = 4_096,
        example = "How much does a courier to Finland cost?"
    )]
    text: String,
    /// Your name of this message, unique in the channel. A message with a name that was taken
    /// before changes nothing, and gets the same answer, for seven days.
    #[garde(length(chars, min = 1, max = 200), custom(plain_name))]
    #[schema(min_length = 1, max_length = 200, example = "01J9ZK6T5W")]
    client_id: String,
}

/// A message that is stored, and will be answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PostedMessage)]
pub struct Response {
    /// The message.
    message_id: Uuid,
    /// Where the replies will be.
    dialog_id: Uuid,
    contact_id: Uuid,
    /// Its place in the dialog, from 1: replies have larger ones.
    #[schema(example = 1)]
    seq: i64,
}

/// Stores what a user of your program said; the assistant answers it within seconds.
///
/// The replies are in `GET dialogs/{id}/messages`, and are told by the event `reply.settled`.
#[utoipa::path(
    post, path = "/channels/{id}/messages", operation_id = "post_message", tag = "channels",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 202, description = "it is stored, and waits for its answer", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such channel of the kind `api`", body = Problem),
        (status = 409, description = "`channel_stopped`: the channel does not run", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
        (status = 503, description = "too many messages wait to be stored; post it again", body = Problem),
    )
)]
#[tracing::instrument(name = "api.channels.messages.post", skip_all, fields(channel.id = %id))]
pub async fn post(
    State(state): State<AppState>,
    caller: May<MessagesWrite>,
    Id(id): Id<ChannelId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<Response>)> {
    let workspace = caller.workspace_id;
    let found = state.db().read().await?.workspace(workspace).channels().find(id).await?;
    let channel = found
        .filter(|channel| channel.kind == ChannelKind::Api)
        .ok_or(ApiError::NotFound("channel"))?;
    if channel.status != ChannelStatus::Running {
        let detail = "the channel does not run".to_owned();
        return Err(ApiError::Conflict { code: "channel_stopped", detail });
    }

    let address = Address::from(request.contact);
    let message = MessageRef::from(request.client_id.as_str());
    let inbound = Inbound {
        key: request.client_id.into(),
        order: 0,
        address: address.clone(),
        chat_kind: ChatKind::Private,
        display_name: request.name.unwrap_or_else(|| address.as_str().to_owned()),
        language_code: None,
        sent_at: state.clock().now(),
        content: InboundContent::Text {
            text: request.text.trim().to_owned(),
            message_id: message.clone(),
        },
    };
    state.gatherer.accept(Door::from(&channel), inbound).await.map_err(|error| match error {
        IntakeError::Full => ApiError::Busy(Duration::from_secs(1)),
        IntakeError::Storage(error) => error.into(),
    })?;

    // A repeat is answered as the first one was: from what is stored.
    let mut tx = state.db().read().await?;
    let heard = tx.workspace(workspace).messages().heard(id, &address, &message).await?;
    let heard = heard.ok_or_else(|| {
        ApiError::field("client_id", "is the name of a message of another contact")
    })?;
    let response = Response {
        message_id: heard.message_id.into_uuid(),
        dialog_id: heard.dialog_id.into_uuid(),
        contact_id: heard.contact_id.into_uuid(),
        seq: heard.seq,
    };
    Ok((StatusCode::ACCEPTED, Json(response)))
}

/// Words must say something.
fn telling(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("must not be blank")) } else { Ok(()) }
}
