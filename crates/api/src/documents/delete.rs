//! `DELETE /api/v1/documents/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::documents;
use replyx_core::ids::DocumentId;

use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes a document with its passages.
#[utoipa::path(
    delete, path = "/documents/{id}", operation_id = "delete_document", tag = "documents",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such document", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.delete", skip_all, fields(document.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<DocumentId>,
) -> ApiResult<StatusCode> {
    documents::delete(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
