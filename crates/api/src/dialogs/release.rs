//! `POST /api/v1/dialogs/{id}/release`

use axum::{Json, extract::State};
use replyx_core::ids::DialogId;
use replyx_engine::release;

use super::DialogView;
use crate::{
    caller::{DialogsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Releases a dialog that waits for a human to its assistant, which answers from the customer's
/// next message on.
#[utoipa::path(
    post, path = "/dialogs/{id}/release", operation_id = "release_dialog", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
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
    let dialog = release::release(&state.engine, &caller, id).await?;
    Ok(Json(dialog.into()))
}
