//! `POST /api/v1/documents/{id}/reindex`

use axum::{Json, extract::State, http::StatusCode};
use replyx_assistants::documents;
use replyx_core::ids::DocumentId;

use super::DocumentView;
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Reindexes a document. Search finds the old passages until the new ones replace them.
#[utoipa::path(
    post, path = "/documents/{id}/reindex", operation_id = "reindex_document", tag = "documents",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 202, description = "the document, waiting to be read", body = DocumentView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such document", body = Problem),
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.reindex", skip_all, fields(document.id = %id))]
pub async fn reindex(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<DocumentId>,
) -> ApiResult<(StatusCode, Json<DocumentView>)> {
    let document = documents::reindex(state.assistants(), &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(document.into())))
}
