//! `DELETE /api/v1/assistants/{id}/documents/{document_id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::{AssistantId, DocumentId};
use serde_json::json;

use super::real;
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Ids,
    state::AppState,
};

/// Unlinks a document from an assistant; the other assistants keep it.
#[utoipa::path(
    delete, path = "/assistants/{id}/documents/{document_id}", operation_id = "unlink_document", tag = "documents",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path), ("document_id" = uuid::Uuid, Path)),
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
    caller: May<DocumentsWrite>,
    Ids(id, document_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<StatusCode> {
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    tx.workspace(workspace).knowledge().lock(&[document_id], &[id]).await?;
    let found = tx.workspace(workspace).documents().find(document_id).await?;
    let document = real(found)?;
    let found = tx.workspace(workspace).assistants().find(id).await?;
    found.ok_or(ApiError::NotFound("assistant"))?;

    if document.assistants.as_slice() == [id] {
        return Err(ApiError::Conflict {
            code: "last_assistant",
            detail: "no other assistant knows the document: delete it instead".to_owned(),
        });
    }

    if tx.workspace(workspace).knowledge().unlink(id, document_id).await? {
        let details = json!({"name": document.name, "assistant_id": id});
        let act = caller.act(now, "document.unlinked", ("document", document_id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
    } else {
        return Err(ApiError::NotFound("document"));
    }

    Ok(StatusCode::NO_CONTENT)
}
