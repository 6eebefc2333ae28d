//! `GET` and `PUT /api/v1/dialogs/{id}/draft`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::ids::DialogId;
use replyx_engine::drafts;
use replyx_storage::drafts::Draft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// What you have begun to write in a dialog.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Draft)]
pub struct Response {
    /// The words; empty when there are none.
    #[schema(example = "Your parcel ")]
    text: String,
    /// When they were stored; `null` when there are none.
    updated_at: Option<DateTime<Utc>>,
}

impl From<Option<Draft>> for Response {
    fn from(draft: Option<Draft>) -> Self {
        match draft {
            Some(draft) => Self { text: draft.text, updated_at: Some(draft.updated_at) },
            None => Self { text: String::new(), updated_at: None },
        }
    }
}

/// Shows what you have begun to write in a dialog. Nobody else sees it, and a program with an API
/// key has nothing.
#[utoipa::path(
    get, path = "/dialogs/{id}/draft", operation_id = "read_draft", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "your draft", body = Response),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.read_draft", skip_all, fields(dialog.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
) -> ApiResult<Json<Response>> {
    let draft = drafts::find(&state.engine, &caller, id).await?;
    Ok(Json(draft.into()))
}

/// What you have begun to write.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetDraft)]
pub struct Request {
    /// The words; empty: there is no draft any more.
    #[garde(length(chars, max = 20_000))]
    #[schema(max_length = 20_000, example = "Your parcel ")]
    text: String,
}

/// Keeps what you have begun to write in a dialog in place of what was kept before. A reply of
/// yours in the dialog deletes it.
#[utoipa::path(
    put, path = "/dialogs/{id}/draft", operation_id = "set_draft", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "your draft as it is now", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this, or you use a key: `session_required`", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.set_draft", skip_all, fields(dialog.id = %id))]
pub async fn set(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<Response>> {
    let draft = drafts::put(&state.engine, &caller, id, &request.text).await?;
    Ok(Json(draft.into()))
}
