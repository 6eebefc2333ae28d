//! `PATCH /api/v1/documents/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::ids::DocumentId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{DocumentView, may_queue, name, queue_once, real};
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// The changes to a document.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateDocument)]
pub struct Request {
    /// The new name; folders and control characters are removed.
    #[garde(length(chars, min = 1, max = 255))]
    #[schema(min_length = 1, max_length = 255, example = "delivery.md")]
    name: String,
}

/// Renames a document. Search uses the new name once the document has been indexed again.
#[utoipa::path(
    patch, path = "/documents/{id}", operation_id = "update_document", tag = "documents",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the document", body = DocumentView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such document", body = Problem),
        (status = 409, description = "`is_page`: it is a page of a source, and called by its address; `too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.update", skip_all, fields(document.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
    Id(id): Id<DocumentId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<DocumentView>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).documents().lock(id).await?;
    let mut document = real(found)?;
    if document.page.is_some() {
        return Err(ApiError::Conflict {
            code: "is_page",
            detail: "the document is a page of a source, and called by its address".to_owned(),
        });
    }
    let name = name::clean(&request.name);
    let waiting = tx.workspace(workspace).replacements().find(id).await?;
    if name == document.name && waiting.is_none_or(|file| file.name == name) {
        return Ok(Json(document.into()));
    }

    may_queue(&mut tx, workspace).await?;
    let before = std::mem::replace(&mut document.name, name);
    document.updated_at = state.clock().now();
    tx.workspace(workspace).documents().save(&document).await?;
    // A file that waits to take its place would bring the name back that it came with.
    tx.workspace(workspace).replacements().rename(id, &document.name).await?;
    // Its passages are found by its name, too: as if they were indexed by earlier rules.
    tx.workspace(workspace).documents().set_index_version(id, 0).await?;
    queue_once(&mut tx, &document, state.clock()).await?;
    let details = json!({"name": document.name, "before": before});
    let act = caller.act(document.updated_at, "document.renamed", ("document", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(document.into()))
}
