//! `PUT /api/v1/assistants/{id}/documents/{document_id}`

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

/// Links a document to another assistant.
#[utoipa::path(
    put, path = "/assistants/{id}/documents/{document_id}", operation_id = "link_document", tag = "documents",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path), ("document_id" = uuid::Uuid, Path)),
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
    if tx.workspace(workspace).knowledge().link(id, document_id).await? {
        let details = json!({"name": document.name, "assistant_id": id});
        let act = caller.act(now, "document.linked", ("document", document_id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
