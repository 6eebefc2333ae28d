//! `POST /api/v1/dialogs/{id}/messages`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::ids::{DialogId, UserId};
use replyx_engine::replies::{self, NewNote, NewReply};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::messages::{self, MessageView};
use crate::{
    caller::{DialogsWrite, May},
    error::{ApiResult, Problem},
    input::{Body, Id, visible},
    state::AppState,
};

/// Whether the customer gets it.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WrittenKind {
    /// It is sent to the customer.
    #[default]
    Reply,
    /// It is for colleagues, and never sent.
    Note,
}

/// What an operator writes.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WriteMessage)]
pub struct Request {
    /// Your identifier of this message, unique in the dialog: visible ASCII characters. A repeat
    /// with the same identifier stores nothing and returns the stored message.
    #[garde(custom(visible))]
    #[schema(pattern = "^[!-~]{1,200}$", example = "01J9ZK6T5W")]
    client_id: String,
    /// The text; Markdown in a reply.
    #[garde(length(chars, min = 1, max = 16_000), custom(telling))]
    #[schema(min_length = 1, max_length = 16_000, example = "Hello, this is Kim. How can I help?")]
    text: String,
    /// `reply` (unless set) or `note`.
    #[serde(default)]
    #[garde(skip)]
    kind: WrittenKind,
    /// The dialog's `epoch` as you read it. A reply while nobody has the dialog takes it over, and
    /// fails if control has changed since.
    #[garde(range(min = 0))]
    #[schema(minimum = 0, example = 2)]
    epoch: Option<i64>,
    /// The `seq` of the last message that you have seen. A reply fails if a colleague has answered
    /// since.
    #[garde(range(min = 0))]
    #[schema(minimum = 0, example = 4)]
    seen_seq: Option<i64>,
    /// The members whom a note wants to read it.
    #[serde(default)]
    #[garde(length(max = 20))]
    #[schema(max_items = 20, example = json!([]))]
    mentions: Vec<Uuid>,
}

/// Answers a customer, or writes a note for colleagues.
///
/// A reply is sent like those of the assistant; the events `message.delivered` and `message.failed`
/// and `GET messages/{id}/deliveries` say what became of it. A reply while nobody has the dialog
/// takes it over in the same step.
#[utoipa::path(
    post, path = "/dialogs/{id}/messages", operation_id = "write_message", tag = "dialogs",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 201, description = "the stored message", body = MessageView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_yours` (`holder` says who has it), `newer_reply` (`message` is the colleague's reply), `closed`, `contact_blocked`, `client_id_taken` or `channel_deleted`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.write", skip_all, fields(dialog.id = %id))]
pub async fn write(
    State(state): State<AppState>,
    caller: May<DialogsWrite>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<MessageView>)> {
    let Request { client_id, text, kind, epoch, seen_seq, mentions } = request;
    let message = match kind {
        WrittenKind::Reply => {
            let reply = NewReply { client_id, text, epoch, seen_seq };
            replies::reply(&state.engine, &caller, id, &reply).await?
        }
        WrittenKind::Note => {
            let mentions = mentions.into_iter().map(UserId::from).collect();
            let note = NewNote { client_id, text, mentions };
            replies::note(&state.engine, &caller, id, &note).await?
        }
    };
    Ok((StatusCode::CREATED, Json(messages::shown(&state, message).await?)))
}

/// A message must not be blank.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn telling(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("must not be blank")) } else { Ok(()) }
}
