//! `POST /api/v1/dialogs/{id}/messages`

use std::collections::HashSet;

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    attachment::MOST_FILES,
    ids::{AttachmentId, DialogId, DocumentId, UserId},
    permission::Permission,
};
use replyx_engine::replies::{self, NewNote, NewReply};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::messages::{self, MessageView};
use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
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
#[schema(
    as = WriteMessage,
    example = json!({"client_id": "01J9ZK6T5W", "text": "Hello, this is Kim. How can I help?"})
)]
pub struct Request {
    /// Your identifier of this message, unique in the dialog: visible ASCII characters. A repeat
    /// with the same identifier stores nothing and returns the stored message.
    #[garde(custom(visible))]
    #[schema(pattern = "^[!-~]{1,200}$", example = "01J9ZK6T5W")]
    client_id: String,
    /// The text; Markdown in a reply. A reply with files may go without.
    #[serde(default)]
    #[garde(length(chars, max = 16_000))]
    #[schema(max_length = 16_000, example = "Hello, this is Kim. How can I help?")]
    text: String,
    /// Files to be sent behind the text, in this order: what `POST attachments` returned. A file is
    /// sent with one message.
    #[serde(default)]
    #[garde(length(max = MOST_FILES))]
    #[schema(max_items = 10, example = json!([]))]
    attachments: Vec<Uuid>,
    /// Documents of the knowledge base whose files are sent behind those.
    #[serde(default)]
    #[garde(length(max = MOST_FILES))]
    #[schema(max_items = 10, example = json!([]))]
    documents: Vec<Uuid>,
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
/// A reply is sent like those of the assistant, and its files behind its text; the events
/// `message.delivered` and `message.failed` and `GET messages/{id}/deliveries` say what became of
/// it. A reply while nobody has the dialog takes it over in the same step.
#[utoipa::path(
    post, path = "/dialogs/{id}/messages", operation_id = "write_message", tag = "dialogs",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 201, description = "the stored message", body = MessageView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog, document or attachment (one that was sent before is none), or `no_original`: the document was not uploaded", body = Problem),
        (status = 409, description = "`workspace_full` (the copies of documents do not fit), `not_yours` (`holder` says who has it), `newer_reply` (`message` is the colleague's reply), `closed`, `contact_blocked`, `client_id_taken` or `channel_deleted`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.write", skip_all, fields(dialog.id = %id))]
pub async fn write(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<MessageView>)> {
    let Request { client_id, text, attachments, documents, kind, epoch, seen_seq, mentions } =
        request;
    let has_files = !attachments.is_empty() || !documents.is_empty();
    if text.trim().is_empty() && (matches!(kind, WrittenKind::Note) || !has_files) {
        return Err(ApiError::field("text", "must not be blank"));
    }
    if !documents.is_empty() && !caller.place().permissions.allow(Permission::DocumentsRead) {
        return Err(ApiError::Forbidden);
    }

    let message = match kind {
        WrittenKind::Reply => {
            let files = distinct(attachments).map(AttachmentId::from).collect();
            let documents = distinct(documents).map(DocumentId::from).collect();
            let reply = NewReply { client_id, text, files, documents, epoch, seen_seq };
            replies::reply(&state.engine, &caller, id, &reply).await?
        }
        WrittenKind::Note if has_files => {
            return Err(ApiError::field("kind", "a note has no files"));
        }
        WrittenKind::Note => {
            let mentions = mentions.into_iter().map(UserId::from).collect();
            let note = NewNote { client_id, text, mentions };
            replies::note(&state.engine, &caller, id, &note).await?
        }
    };
    Ok((StatusCode::CREATED, Json(messages::shown(&state, message).await?)))
}

/// Each of them once, in the order of their first mention.
fn distinct(ids: Vec<Uuid>) -> impl Iterator<Item = Uuid> {
    let mut seen = HashSet::new();
    ids.into_iter().filter(move |id| seen.insert(*id))
}
