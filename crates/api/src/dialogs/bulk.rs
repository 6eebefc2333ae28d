//! `POST /api/v1/dialogs/bulk` and `/bulk/undo`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{
    bulk::BulkStep,
    ids::{DialogId, TagId},
    tag::Tag,
};
use replyx_engine::{
    assignment::AssignError,
    bulk::{self, BulkError, Outcome},
    control::ControlError,
    update::UpdateError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Patch},
    state::AppState,
};

/// No step is done to more dialogs.
const MOST: usize = 100;

/// What is done to each of the dialogs.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkStepName, example = "close")]
pub enum StepName {
    /// It is closed.
    Close,
    /// It is given to `assignee_id`.
    Assign,
    /// It gets `add_tags` and loses `remove_tags`.
    Tag,
}

/// A step on many dialogs.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkStep)]
pub struct Request {
    /// The dialogs, each once: 1 to 100.
    #[garde(length(min = 1, max = MOST))]
    #[schema(min_items = 1, max_items = 100)]
    dialog_ids: Vec<Uuid>,
    /// `close`, `assign` or `tag`.
    #[garde(skip)]
    step: StepName,
    /// For `assign`: the member who answers from now on; `null`: the dialogs go back to those that
    /// wait for a human, if somebody has them.
    #[garde(skip)]
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    assignee_id: Patch<Uuid>,
    /// For `tag`: the ids of tags that the dialogs get.
    #[garde(length(max = Tag::MOST_OF_DIALOG))]
    #[serde(default)]
    #[schema(max_items = 20)]
    add_tags: Vec<Uuid>,
    /// For `tag`: the ids of tags that the dialogs lose.
    #[garde(length(max = Tag::MOST_OF_DIALOG))]
    #[serde(default)]
    #[schema(max_items = 20)]
    remove_tags: Vec<Uuid>,
}

impl Request {
    fn step(&self) -> ApiResult<BulkStep> {
        let ids = |tags: &[Uuid]| {
            let mut ids: Vec<TagId> = tags.iter().map(|id| (*id).into()).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        match (self.step, self.assignee_id) {
            (StepName::Close, _) => Ok(BulkStep::Close),
            (StepName::Assign, Patch::Keep) => {
                Err(ApiError::field("assignee_id", "is required by the step `assign`"))
            }
            (StepName::Assign, Patch::Clear) => Ok(BulkStep::Assign(None)),
            (StepName::Assign, Patch::Set(user)) => Ok(BulkStep::Assign(Some(user.into()))),
            (StepName::Tag, _) if self.add_tags.is_empty() && self.remove_tags.is_empty() => {
                Err(ApiError::field("add_tags", "the step `tag` requires tags to add or to remove"))
            }
            (StepName::Tag, _) => {
                Ok(BulkStep::Tag { add: ids(&self.add_tags), remove: ids(&self.remove_tags) })
            }
        }
    }

    fn dialogs(&self) -> ApiResult<Vec<DialogId>> {
        let mut seen: Vec<DialogId> = Vec::with_capacity(self.dialog_ids.len());
        for id in &self.dialog_ids {
            let id = (*id).into();
            if seen.contains(&id) {
                return Err(ApiError::field("dialog_ids", "must name each dialog once"));
            }
            seen.push(id);
        }
        Ok(seen)
    }
}

/// What became of a dialog, in a word.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkResult, example = "refused")]
pub enum ResultName {
    /// It has changed.
    Changed,
    /// It was as wished already.
    Unchanged,
    /// It stays as it is; `code` and `detail` say why.
    Refused,
}

/// What became of a dialog.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkItem)]
pub struct Item {
    dialog_id: Uuid,
    /// `changed`, `unchanged` or `refused`.
    result: ResultName,
    /// Why it was refused: `not_found`, `not_yours`, `closed`, `not_closed` (the customer has begun
    /// another dialog), `too_many_tags`, `changed_since` (undoing), `not_done` (try again), or
    /// `invalid` (what the step names was deleted).
    #[schema(example = "not_yours")]
    code: Option<&'static str>,
    /// The same in words.
    #[schema(example = "Kim answers in this dialog")]
    detail: Option<String>,
}

impl From<Outcome> for Item {
    fn from(Outcome { dialog_id, changed }: Outcome) -> Self {
        let result = match &changed {
            Ok(true) => ResultName::Changed,
            Ok(false) => ResultName::Unchanged,
            Err(_) => ResultName::Refused,
        };
        let refused = changed.err();
        let code = refused.as_ref().map(code);
        let detail = refused.map(|error| error.to_string());
        Self { dialog_id: dialog_id.into_uuid(), result, code, detail }
    }
}

/// Why a dialog stays as it is.
fn code(error: &BulkError) -> &'static str {
    match error {
        BulkError::TooManyTags => "too_many_tags",
        BulkError::ChangedSince | BulkError::NothingToUndo => "changed_since",
        BulkError::Update(UpdateError::Control(error)) => match error {
            ControlError::Missing => "not_found",
            ControlError::NotYours { .. } => "not_yours",
            ControlError::Closed => "closed",
            ControlError::NotClosed(_) | ControlError::Followed => "not_closed",
            ControlError::NotWaiting(_) => "changed_since",
            ControlError::Storage(_) => "not_done",
        },
        BulkError::Update(UpdateError::Assign(AssignError::Control(ControlError::Closed))) => {
            "closed"
        }
        BulkError::Update(UpdateError::Storage(_)) => "not_done",
        BulkError::Update(_) => "invalid",
    }
}

/// What a step did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkDone)]
pub struct Done {
    /// Its name: `POST dialogs/bulk/undo` takes it.
    bulk_id: Uuid,
    /// Until when it can be undone: for a minute.
    undo_until: DateTime<Utc>,
    /// What became of each dialog, in the order in which they were named.
    items: Vec<Item>,
}

/// Closes, assigns or tags many dialogs. Each is changed by the same rules as alone: what one of
/// them refuses leaves the others as they are. It can be undone for a minute.
#[utoipa::path(
    post, path = "/dialogs/bulk", operation_id = "change_dialogs", tag = "dialogs",
    request_body = Request,
    responses(
        (status = 200, description = "what became of each dialog", body = Done),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 422, description = "a field is not acceptable, such as an `assignee_id` of nobody who may answer customers, or a tag that is not there", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.bulk", skip_all)]
pub async fn apply(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Body(request): Body<Request>,
) -> ApiResult<Json<Done>> {
    let step = request.step()?;
    let done = bulk::apply(&state.engine, &caller, &request.dialogs()?, &step).await?;
    Ok(Json(Done {
        bulk_id: done.bulk_id.into_uuid(),
        undo_until: done.undo_until,
        items: done.outcomes.into_iter().map(Item::from).collect(),
    }))
}

/// A step to undo.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UndoBulk)]
pub struct Undo {
    /// `bulk_id` of the step.
    #[garde(skip)]
    bulk_id: Uuid,
}

/// What undoing a step did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkUndone)]
pub struct Undone {
    /// What became of each dialog that the step had changed.
    items: Vec<Item>,
}

/// Undoes a step of yours within a minute: control of the dialogs goes back to whoever had it, with
/// the place in the queue that they had, and the tags are as before. A dialog whose control has
/// changed since is left alone. Replies of the assistant that closing or assigning has canceled
/// are not sent again.
#[utoipa::path(
    post, path = "/dialogs/bulk/undo", operation_id = "undo_bulk_change", tag = "dialogs",
    request_body = Undo,
    responses(
        (status = 200, description = "what became of each dialog", body = Undone),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 409, description = "`nothing_to_undo`: it is undone, longer ago, or of somebody else", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.undo_bulk", skip_all)]
pub async fn undo(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Body(request): Body<Undo>,
) -> ApiResult<Json<Undone>> {
    let outcomes = bulk::undo(&state.engine, &caller, request.bulk_id.into()).await?;
    Ok(Json(Undone { items: outcomes.into_iter().map(Item::from).collect() }))
}
