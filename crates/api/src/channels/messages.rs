//! `POST /api/v1/channels/{id}/messages`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_channels::api::PostedMessage;
use replyx_core::ids::ChannelId;
use replyx_fleet::posts;
use replyx_storage::messages::AcceptedMessage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, MessagesWrite},
    error::{ApiResult, Problem},
    input::{Body, Id, plain_name, visible},
    state::AppState,
};

/// A message from a user of your program.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostMessage)]
pub struct Request {
    /// Your identifier of the user, which never changes: visible ASCII characters. A user has one
    /// open dialog at a time.
    #[garde(custom(visible))]
    #[schema(pattern = "^[!-~]{1,200}$", example = "user-42")]
    contact: String,
    /// The user's display name, shown to operators; `contact` unless set.
    #[garde(inner(length(chars, min = 1, max = 128), custom(plain_name)))]
    #[schema(min_length = 1, max_length = 128, example = "Ann")]
    name: Option<String>,
    /// The text of the message.
    #[garde(length(chars, min = 1, max = 4_096), custom(telling))]
    #[schema(
        min_length = 1,
        max_length = 4_096,
        example = "How much does a courier to Finland cost?"
    )]
    text: String,
    /// Your identifier of this message, unique in the channel: visible ASCII characters. For seven
    /// days a repeat with the same identifier stores nothing and returns the same answer.
    #[garde(custom(visible))]
    #[schema(pattern = "^[!-~]{1,200}$", example = "01J9ZK6T5W")]
    client_id: String,
}

impl From<Request> for PostedMessage {
    fn from(request: Request) -> Self {
        Self {
            contact: request.contact,
            name: request.name,
            text: request.text,
            client_id: request.client_id,
        }
    }
}

/// A stored message, which will be answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PostedMessage)]
pub struct Response {
    /// The message.
    message_id: Uuid,
    /// The dialog in which the replies appear.
    dialog_id: Uuid,
    contact_id: Uuid,
    /// Its number in the dialog, from 1. Replies have larger numbers.
    #[schema(example = 1)]
    seq: i64,
}

impl From<AcceptedMessage> for Response {
    fn from(heard: AcceptedMessage) -> Self {
        Self {
            message_id: heard.message_id.into_uuid(),
            dialog_id: heard.dialog_id.into_uuid(),
            contact_id: heard.contact_id.into_uuid(),
            seq: heard.seq,
        }
    }
}

/// Posts a message from a user of your program. The assistant answers it within seconds.
///
/// Read the replies with `GET dialogs/{id}/messages`; the event `reply.settled` announces them.
#[utoipa::path(
    post, path = "/channels/{id}/messages", operation_id = "post_message", tag = "channels",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 202, description = "the message is stored and will be answered", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such channel of the kind `api`", body = Problem),
        (status = 409, description = "`channel_stopped`: the channel is not running", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
        (status = 503, description = "too many messages are waiting to be stored; post it again", body = Problem),
    )
)]
#[tracing::instrument(name = "api.channels.messages.post", skip_all, fields(channel.id = %id))]
pub async fn post(
    State(state): State<AppState>,
    caller: Authorized<MessagesWrite>,
    Id(id): Id<ChannelId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<Response>)> {
    let message = request.into();
    let heard = posts::post(state.fleet(), &state.gatherer, &caller, id, &message).await?;
    Ok((StatusCode::ACCEPTED, Json(heard.into())))
}

/// A message must not be blank.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn telling(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("must not be blank")) } else { Ok(()) }
}
