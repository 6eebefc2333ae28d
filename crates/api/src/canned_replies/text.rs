//! `GET /api/v1/canned-replies/{id}/text`

use axum::{Json, extract::State};
use replyx_core::ids::CannedReplyId;
use replyx_engine::canned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DialogsRead},
    error::{ApiResult, Problem},
    input::{Id, Params},
    state::AppState,
};

/// For which dialog.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// The dialog whose names are filled in.
    dialog_id: Uuid,
}

/// The words of a canned reply for a dialog.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FilledReply)]
pub struct Response {
    #[schema(example = "Hello Ann, the money is on its way. Kim")]
    text: String,
}

/// Fills in a canned reply for a dialog, with you as the operator. Nothing is sent.
#[utoipa::path(
    get, path = "/canned-replies/{id}/text", operation_id = "fill_canned_reply", tag = "operators",
    params(("id" = Uuid, Path), Query),
    responses(
        (status = 200, description = "the words", body = Response),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such canned reply or dialog", body = Problem),
    )
)]
#[tracing::instrument(name = "api.canned_replies.text", skip_all, fields(canned_reply.id = %id))]
pub async fn text(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<CannedReplyId>,
    Params(query): Params<Query>,
) -> ApiResult<Json<Response>> {
    let text = canned::filled(&state.engine, &caller, id, query.dialog_id.into()).await?;
    Ok(Json(Response { text }))
}
