//! `PATCH /api/v1/documents/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_assistants::documents::{self, DocumentChange};
use replyx_core::{ids::DocumentId, knowledge::Document};
use serde::Deserialize;
use utoipa::ToSchema;

use super::DocumentView;
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
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
    name: Option<String>,
    /// The document's tags from now on, at most 20; stored in small letters.
    #[garde(inner(length(max = Document::TAGS), inner(length(chars, min = 1, max = Document::TAG))))]
    #[schema(max_items = 20, example = json!(["prices"]))]
    tags: Option<Vec<String>>,
}

/// Renames a document, or changes its tags. Search uses the new name once the document has been
/// indexed again, and the tags at once. What is left out stays as it is.
#[utoipa::path(
    patch, path = "/documents/{id}", operation_id = "update_document", tag = "documents",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
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
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<DocumentId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<DocumentView>> {
    let change = DocumentChange { name: request.name, tags: request.tags };
    let document = documents::update(state.assistants(), &caller, id, change).await?;
    Ok(Json(document.into()))
}
