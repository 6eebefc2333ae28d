//! `PATCH /api/v1/dialogs/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::ids::DialogId;
use replyx_engine::assignment;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::DialogView;
use crate::{
    caller::{DialogsWrite, May},
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
    #[schema(value_type = Option<Uuid>, required)]
    assignee_id: Patch<Uuid>,
    /// The `epoch` of the dialog as you read it: the change fails if control has changed since.
    #[garde(range(min = 0))]
    #[serde(default)]
    #[schema(minimum = 0, example = 2)]
    epoch: Option<i64>,
}

/// Changes a dialog: gives it to a member, or takes it from one. What a colleague has may be given
/// away by admins and owners only. Capacity does not bind whoever is chosen.
#[utoipa::path(
    patch, path = "/dialogs/{id}", operation_id = "update_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_yours` (`holder` says who has it) or `closed`", body = Problem),
        (status = 422, description = "a field is not acceptable, such as an `assignee_id` of nobody who may answer customers", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.update", skip_all, fields(dialog.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: May<DialogsWrite>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<DialogView>> {
    let to = match request.assignee_id {
        Patch::Keep => return Err(ApiError::field("assignee_id", "nothing is to change")),
        Patch::Clear => None,
        Patch::Set(user) => Some(user.into()),
    };
    let dialog = assignment::assign(&state.engine, &caller, id, to, request.epoch).await?;
    Ok(Json(dialog.into()))
}
