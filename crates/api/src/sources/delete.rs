//! `DELETE /api/v1/sources/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::{
    ids::{DocumentId, SourceId},
    page::PageRequest,
};
use replyx_storage::documents::DocumentFilter;
use serde_json::json;

use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// So many documents are deleted in one transaction: others want to write, too.
const AT_ONCE: u32 = 50;

/// Deletes a source with its documents. A fetch in progress is stopped.
#[utoipa::path(
    delete, path = "/sources/{id}", operation_id = "delete_source", tag = "sources",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such source", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.delete", skip_all, fields(source.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
    Id(id): Id<SourceId>,
) -> ApiResult<StatusCode> {
    let workspace = caller.workspace_id;
    let filter = DocumentFilter { source: Some(id), ..DocumentFilter::default() };
    loop {
        let mut tx = state.db().begin().await?;
        // Who fetches it takes this lock for each page: none can be added behind our back.
        let found = tx.workspace(workspace).sources().lock(id).await?;
        let source = found.ok_or(ApiError::NotFound("source"))?;
        let now = state.clock().now();
        let request = PageRequest { after: None, limit: AT_ONCE };
        let page = tx.workspace(workspace).documents().list(filter, request).await?;
        // All of them before the first is gone: whoever indexes one holds it and then wants the
        // assistants, too.
        let ids: Vec<DocumentId> = page.items.iter().map(|document| document.id).collect();
        tx.workspace(workspace).knowledge().lock(&ids, &[]).await?;
        for document in &page.items {
            tx.workspace(workspace).documents().delete(document, now).await?;
        }
        if page.next.is_none() {
            tx.workspace(workspace).sources().delete(&source, now).await?;
            let details = json!({"url": source.url});
            let act = caller.act(now, "source.deleted", ("source", id), details);
            tx.workspace(workspace).audit().append(&act).await?;
            tx.commit().await?;
            return Ok(StatusCode::NO_CONTENT);
        }
        tx.commit().await?;
    }
}
