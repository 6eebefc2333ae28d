//! `GET /api/v1/dialogs/{id}`

use axum::{Json, extract::State};
use replyx_core::{channel::ChatKind, dialog::Contact, ids::DialogId, waiting::QueuePlace};
use replyx_engine::waiting;
use replyx_storage::inbox::InboxEntry;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DialogView, marks::MarksView, sla::DialogSlaView};
use crate::{
    caller::{Authorized, DialogsRead},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    usage::TotalsView,
};

/// A dialog and the customer in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DialogWithContact)]
pub struct Response {
    #[serde(flatten)]
    dialog: DialogView,
    contact: ContactView,
    #[serde(flatten)]
    marks: MarksView,
    /// Where it stands in the queue; `null` unless it waits for a human.
    queue: Option<QueueView>,
    /// The reply of a person that was promised; `null` when nobody is owed one.
    sla: Option<DialogSlaView>,
    /// Model use for the dialog, and its cost.
    usage: TotalsView,
}

/// Where a dialog stands in the queue of those that wait for a human.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueuePlace)]
pub struct QueueView {
    /// From 1: nobody has waited longer.
    #[schema(example = 2)]
    position: i64,
    /// How long it takes until an operator answers, measured over the last four hours; `null` while
    /// fewer than three customers were answered in them.
    #[schema(example = 360)]
    expected_wait_s: Option<i64>,
}

impl From<QueuePlace> for QueueView {
    fn from(place: QueuePlace) -> Self {
        let expected_wait_s = place.expected.map(|expected| expected.num_seconds());
        Self { position: place.position, expected_wait_s }
    }
}

/// A customer, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactView {
    id: Uuid,
    /// The name they give themselves.
    #[schema(example = "Ann")]
    display_name: String,
    /// `private` or `group`.
    #[schema(example = "private")]
    chat_kind: ChatKind,
    /// Where they came from: the payload of the link (`/start PAYLOAD`) by which they first came.
    #[schema(example = "ad-42")]
    source: Option<String>,
    /// Whether they blocked the bot, so that nothing can be delivered.
    blocked: bool,
}

impl ContactView {
    /// The contact of a dialog in the inbox.
    pub(super) fn of(entry: &InboxEntry) -> Self {
        Self {
            id: entry.dialog.contact_id.into_uuid(),
            display_name: entry.contact_name.clone(),
            chat_kind: entry.chat_kind,
            source: entry.source.clone(),
            blocked: entry.blocked,
        }
    }
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id.into_uuid(),
            display_name: contact.display_name,
            chat_kind: contact.chat_kind,
            source: contact.source,
            blocked: contact.blocked_at.is_some(),
        }
    }
}

/// Shows a dialog.
#[utoipa::path(
    get, path = "/dialogs/{id}", operation_id = "read_dialog", tag = "dialogs",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "the dialog", body = Response),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.read", skip_all, fields(dialog.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<DialogId>,
) -> ApiResult<Json<Response>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).dialogs().find(id).await?;
    let dialog = found.ok_or(ApiError::NotFound("dialog"))?;
    let contact = tx.workspace(caller.workspace_id).contacts().find(dialog.contact_id).await?;
    let contact = contact.ok_or(ApiError::NotFound("dialog"))?;
    let usage = tx.workspace(caller.workspace_id).model_calls().of_dialog(id).await?;
    let place = waiting::place(&state.engine, &mut tx, &dialog).await?;
    let sla = tx.workspace(caller.workspace_id).slas().find(id).await?;
    let now = state.engine.clock.now();
    let marks = MarksView::of(&mut tx, &dialog, now).await?;
    Ok(Json(Response {
        dialog: dialog.into(),
        contact: contact.into(),
        marks,
        queue: place.map(QueueView::from),
        sla: sla.and_then(|sla| sla.running).map(|running| DialogSlaView::of(running, now)),
        usage: usage.into(),
    }))
}
