//! `POST /api/v1/channels/{id}/messages`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_channels::api::PostedMessage;
use replyx_core::ids::ChannelId;
use replyx_fleet::posts;
use replyx_storage::messages::Heard;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{May, MessagesWrite},
    error::{ApiResult, Problem},
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

impl From<Heard> for Response {
    fn from(heard: Heard) -> Self {
        Self {
            message_id: heard.message_id.into_uuid(),
            dialog_id: heard.dialog_id.into_uuid(),
            contact_id: heard.contact_id.into_uuid(),
            seq: heard.seq,
        }
    }
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
    let message = request.into();
    let heard = posts::post(state.fleet(), &state.gatherer, &caller, id, &message).await?;
    Ok((StatusCode::ACCEPTED, Json(heard.into())))
}

/// Words must say something.
fn telling(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("must not be blank")) } else { Ok(()) }
}
