//! `POST /api/v1/dialogs/{id}/release`

use axum::{Json, extract::State};
use replyx_core::{dialog::Control, event::Event, ids::DialogId};
use serde_json::json;

use super::DialogView;
use crate::{
    caller::{DialogsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Releases a dialog that waits for a human to its assistant, which answers from the customer's
/// next message on.
#[utoipa::path(
    post, path = "/dialogs/{id}/release", operation_id = "release_dialog", tag = "dialogs",
    security(("bearer" = ["dialogs:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the dialog as it is now", body = DialogView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 409, description = "`not_waiting`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.release", skip_all, fields(dialog.id = %id))]
pub async fn release(
    State(state): State<AppState>,
    caller: May<DialogsWrite>,
    Id(id): Id<DialogId>,
) -> ApiResult<Json<DialogView>> {
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).dialogs().lock(id).await?;
    let mut dialog = found.ok_or(ApiError::NotFound("dialog"))?;
    if dialog.control != Control::Waiting || !dialog.give_control(Control::Ai, now) {
        let detail =
            format!("the dialog does not wait for a human: it is `{}`", dialog.control.as_str());
        return Err(ApiError::Conflict { code: "not_waiting", detail });
    }
    tx.workspace(workspace).dialogs().save(&dialog).await?;
    let control = dialog.control;
    let epoch = dialog.epoch;
    tx.record(workspace, Event::DialogControl { dialog_id: id, control, epoch }, now);
    let act = caller.act(now, "dialog.released", ("dialog", id), json!({}));
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(dialog.into()))
}
