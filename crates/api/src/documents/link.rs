//! `PUT /api/v1/assistants/{id}/documents/{document_id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::documents;
use replyx_core::ids::{AssistantId, DocumentId};

use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::Ids,
    state::AppState,
};

/// Links a document to another assistant.
#[utoipa::path(
    put, path = "/assistants/{id}/documents/{document_id}", operation_id = "link_document", tag = "documents",
    params(("id" = uuid::Uuid, Path), ("document_id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it knows it"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or document", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.link", skip_all)]
pub async fn link(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Ids(id, document_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<StatusCode> {
    documents::link(state.assistants(), &caller, id, document_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
