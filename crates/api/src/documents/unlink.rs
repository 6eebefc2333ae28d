//! `DELETE /api/v1/assistants/{id}/documents/{document_id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::documents;
use replyx_core::ids::{AssistantId, DocumentId};

use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::Ids,
    state::AppState,
};

/// Unlinks a document from an assistant; the other assistants keep it.
#[utoipa::path(
    delete, path = "/assistants/{id}/documents/{document_id}", operation_id = "unlink_document", tag = "documents",
    params(("id" = uuid::Uuid, Path), ("document_id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "the document is unlinked"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or document", body = Problem),
        (status = 409, description = "`last_assistant`: no other assistant knows it", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.unlink", skip_all)]
pub async fn unlink(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Ids(id, document_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<StatusCode> {
    documents::unlink(state.assistants(), &caller, id, document_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
