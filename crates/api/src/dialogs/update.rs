//! `PATCH /api/v1/dialogs/{id}`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{ids::DialogId, snooze::Snooze, tag::Tag};
use replyx_engine::update::{self, DialogChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DialogView, marks::MarksView};
use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id, Patch},
    state::AppState,
};

/// What is to change.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateDialog)]
pub struct Request {
    /// The member who answers from now on; `null`: the dialog goes back to those that wait for a
    /// human, if somebody has it.
    #[garde(skip)]
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    assignee_id: Patch<Uuid>,
    /// The ids of all its tags; at most 20. They replace the current ones.
    #[garde(inner(length(max = Tag::MOST_OF_DIALOG)))]
    #[schema(max_items = 20)]
    tags: Option<Vec<Uuid>>,
    /// Until when its operator does not want to see it: a time within a year; `null`: it is in
    /// sight again. Only a dialog that an operator has can be snoozed.
    #[garde(skip)]
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>, example = "2027-03-14T09:00:00Z")]
    snoozed_until: Patch<DateTime<Utc>>,
    /// The `epoch` of the dialog as you read it: the change fails if control has changed since.
    #[garde(range(min = 0))]
    #[serde(default)]
    #[schema(minimum = 0, example = 2)]
    epoch: Option<i64>,
}

impl Request {
    fn into_change(self, now: DateTime<Utc>) -> ApiResult<DialogChange> {
        if let Patch::Set(until) = self.snoozed_until
            && !(now < until && until <= now + Snooze::LONGEST)
        {
            return Err(ApiError::field("snoozed_until", "must be a time within the next year"));
        }
        Ok(DialogChange {
            assignee: self.assignee_id.map(Into::into),
            tags: self.tags.map(|tags| tags.into_iter().map(Into::into).collect()),
            snoozed_until: self.snoozed_until,
            epoch: self.epoch,
        })
    }
}

/// A dialog with what operators have put on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MarkedDialog)]
pub struct Response {
    #[serde(flatten)]
    dialog: DialogView,
    #[serde(flatten)]
    marks: MarksView,
}

/// Changes a dialog: gives it to a member, or takes it from one; sets its tags; snoozes it. What is
/// left out stays as it is. All of it happens, or nothing. What a colleague has may be given away
/// and snoozed by admins and owners only. Capacity does not bind the member who is chosen.
#[utoipa::path(
    patch, path = "/dialogs/{id}", operation_id = "update_dialog", tag = "dialogs",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the dialog as it is now", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_yours` (`holder` says who has it), `closed`, or `not_held`: only what an operator has can be snoozed", body = Problem),
        (status = 422, description = "a field is not acceptable, such as an `assignee_id` of nobody who may answer customers, or a tag that is not there", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.update", skip_all, fields(dialog.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<Response>> {
    let change = request.into_change(state.engine.clock.now())?;
    let dialog = update::dialog(&state.engine, &caller, id, &change).await?;

    let mut tx = state.db().read().await?;
    let marks = MarksView::of(&mut tx, &dialog, state.engine.clock.now()).await?;
    Ok(Json(Response { dialog: dialog.into(), marks }))
}
