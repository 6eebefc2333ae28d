//! `POST /api/v1/dialogs/{id}/takeover`, `/release`, `/handoff`, `/close` and `/reopen`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{dialog::HandoffReason, ids::DialogId};
use replyx_engine::control;
use serde::Deserialize;
use utoipa::ToSchema;

use super::DialogView;
use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiResult, Problem},
    input::{Id, MaybeBody},
    state::AppState,
};

/// What a takeover may rely on.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TakeOver)]
pub struct TakeOver {
    /// The `epoch` of the dialog as you read it: the takeover fails if control has changed since.
    #[garde(range(min = 0))]
    #[schema(minimum = 0, example = 2)]
    epoch: Option<i64>,
}

/// Takes over a dialog: you answer from now on, and the assistant is silent. Nothing that it has
/// not begun to send is sent. Taking over a dialog that you have changes nothing.
#[utoipa::path(
    post, path = "/dialogs/{id}/takeover", operation_id = "take_over_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)), request_body = Option<TakeOver>,
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_yours` (`holder` says who has it) or `closed`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.take_over", skip_all, fields(dialog.id = %id))]
pub async fn take_over(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
    MaybeBody(request): MaybeBody<TakeOver>,
) -> ApiResult<Json<DialogView>> {
    let dialog = control::take_over(&state.engine, &caller, id, request.epoch).await?;
    Ok(Json(dialog.into()))
}

/// Releases a dialog that waits for a human, or that you have, to its assistant, which answers from
/// the customer's next message on. If the customer has written since you took over and you have
/// not answered, the assistant answers that as well.
#[utoipa::path(
    post, path = "/dialogs/{id}/release", operation_id = "release_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_waiting` or `not_yours`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.release", skip_all, fields(dialog.id = %id))]
pub async fn release(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
) -> ApiResult<Json<DialogView>> {
    let dialog = control::release(&state.engine, &caller, id).await?;
    Ok(Json(dialog.into()))
}

/// Why a human is asked for.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = HandOff)]
pub struct HandOff {
    /// The reason that operators see; `operator` by default.
    #[garde(skip)]
    #[schema(example = "operator")]
    reason: Option<HandoffReason>,
}

/// Asks for a human, or returns a dialog that you have to those that wait for one. The customer
/// keeps their place in the queue; asking again changes nothing.
#[utoipa::path(
    post, path = "/dialogs/{id}/handoff", operation_id = "hand_off_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)), request_body = Option<HandOff>,
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_yours` or `closed`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.hand_off", skip_all, fields(dialog.id = %id))]
pub async fn hand_off(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
    MaybeBody(request): MaybeBody<HandOff>,
) -> ApiResult<Json<DialogView>> {
    let reason = request.reason.unwrap_or(HandoffReason::Operator);
    let dialog = control::hand_off(&state.engine, &caller, id, reason).await?;
    Ok(Json(dialog.into()))
}

/// Closes a dialog. The customer's next words reopen it, or begin a new one after the assistant's
/// `reopen_hours`.
#[utoipa::path(
    post, path = "/dialogs/{id}/close", operation_id = "close_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_yours` or `closed`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.close", skip_all, fields(dialog.id = %id))]
pub async fn close(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
) -> ApiResult<Json<DialogView>> {
    let dialog = control::close(&state.engine, &caller, id).await?;
    Ok(Json(dialog.into()))
}

/// Reopens a closed dialog: the assistant answers.
#[utoipa::path(
    post, path = "/dialogs/{id}/reopen", operation_id = "reopen_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_closed`: it is open, or the customer has another open dialog", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.reopen", skip_all, fields(dialog.id = %id))]
pub async fn reopen(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
) -> ApiResult<Json<DialogView>> {
    let dialog = control::reopen(&state.engine, &caller, id).await?;
    Ok(Json(dialog.into()))
}
