//! `POST /api/v1/dialogs/{id}/typing`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{attention::AttentionState, ids::DialogId};
use replyx_engine::attention;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// What you do in a dialog.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TellAttention)]
pub struct Request {
    /// `viewing`, `typing` or `away`.
    #[garde(skip)]
    state: AttentionState,
}

/// How long it holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attention)]
pub struct Response {
    /// Say it again before this many seconds have passed, if it still holds.
    #[schema(example = 15)]
    lasts_s: u64,
}

/// Tells colleagues that you have a dialog open or type in it: their streams of events get
/// `dialog.attention` at once. Nothing is stored. While you type in a dialog that you have, the
/// customer sees it, where the channel can show it.
#[utoipa::path(
    post, path = "/dialogs/{id}/typing", operation_id = "tell_attention", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "it was told", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this, or you use a key: `session_required`", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.attention", skip_all, fields(dialog.id = %id))]
pub async fn tell(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<Response>> {
    attention::tell(&state.engine, &caller, id, request.state).await?;
    Ok(Json(Response { lasts_s: attention::LASTS.as_secs() }))
}
