//! `GET /api/v1/documents/{id}`

use axum::{Json, extract::State};
use replyx_assistants::documents;
use replyx_core::ids::DocumentId;

use super::DocumentView;
use crate::{
    caller::{Authorized, DocumentsRead},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Shows a document with its status.
#[utoipa::path(
    get, path = "/documents/{id}", operation_id = "read_document", tag = "documents",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the document", body = DocumentView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such document", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.read", skip_all, fields(document.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Id(id): Id<DocumentId>,
) -> ApiResult<Json<DocumentView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).documents().find(id).await?;
    Ok(Json(documents::real(found)?.into()))
}
