//! `PUT /api/v1/documents/{id}/file`

use axum::{Json, extract::State, http::StatusCode};
use replyx_assistants::documents;
use replyx_core::ids::DocumentId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    form::{Form, Part},
    keep::{Desk, Uploaded},
};
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// A form with one file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplaceDocument)]
pub struct Request {
    /// The new file, of any kind that is read.
    #[schema(value_type = String, format = Binary, example = "# Returns\n\nYou may return an item within 14 days.")]
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    file: Vec<u8>,
}

/// Replaces the file of a document, which keeps its id and its assistants. Search finds the old
/// content until the new file has been read. If that fails, the previous file is kept, and the
/// document has the warning `replacement_failed`. A file without a name keeps the document's name.
/// An identical file changes nothing.
#[utoipa::path(
    put, path = "/documents/{id}/file", operation_id = "replace_document_file", tag = "documents",
    params(("id" = uuid::Uuid, Path)),
    request_body(content = Request, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "the file was there already: nothing has changed", body = Uploaded),
        (status = 202, description = "the document, waiting to be read", body = Uploaded),
        (status = 400, description = "the form cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such document", body = Problem),
        (status = 409, description = "`is_page`: it is a page of a source; `too_many_waiting`: too many documents of the workspace wait to be read; `workspace_full`: it has used up its storage", body = Problem),
        (status = 413, description = "the file is too large", body = Problem),
        (status = 415, description = "not a form, or a file of a kind that is not read", body = Problem),
        (status = 422, description = "there is not exactly one `file`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.replace", skip_all, fields(document.id = %id))]
pub async fn replace(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<DocumentId>,
    request: axum::extract::Request,
) -> ApiResult<(StatusCode, Json<Uploaded>)> {
    let found =
        state.db().read().await?.workspace(caller.workspace_id).documents().find(id).await?;
    documents::real(found)?;

    let desk = Desk { state: &state, caller: &caller };
    documents::has_room_today(state.assistants(), &caller).await?;
    let mut form = Form::open(request, state.settings.upload_limit).await?;
    let mut file = None;
    while let Some(part) = form.next().await? {
        match part {
            Part::File(upload) if file.is_none() => file = Some(upload),
            _ => return Err(ApiError::field("file", "must be the only field, and be given once")),
        }
    }
    let file = file.ok_or_else(|| ApiError::field("file", "is required"))?;
    let uploaded = desk.replace(id, file, None).await?;
    let status = if uploaded.is_unchanged() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(uploaded)))
}
