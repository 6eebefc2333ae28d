//! `GET /api/v1/documents/{id}/text`

use axum::{Json, extract::State};
use replyx_core::ids::DocumentId;
use serde::Serialize;
use utoipa::ToSchema;

use super::real;
use crate::{
    caller::{DocumentsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// What was read from a document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentText)]
pub struct Response {
    /// The text that passages are cut from; their `start` and `end` count its bytes in UTF-8.
    #[schema(example = "# Returns\n\nYou may return an item within 30 days.")]
    text: String,
}

/// Shows the text that was read from a document.
#[utoipa::path(
    get, path = "/documents/{id}/text", operation_id = "read_document_text", tag = "documents",
    security(("bearer" = ["documents:read"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the text", body = Response),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such document", body = Problem),
        (status = 409, description = "`not_ready`: it has not been read", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.text", skip_all, fields(document.id = %id.0))]
pub async fn text(
    state: State<AppState>,
    caller: May<DocumentsRead>,
    id: Id<DocumentId>,
) -> ApiResult<Json<Response>> {
    let (State(state), Id(id)) = (state, id);
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).documents().find(id).await?;
    let document = real(found)?;
    let text = tx.workspace(caller.workspace_id).documents().text(id).await?;
    let text = text.ok_or_else(|| ApiError::Conflict {
        code: "not_ready",
        detail: document.error.unwrap_or_else(|| "the document has not been read yet".to_owned()),
    })?;
    Ok(Json(Response { text }))
}
