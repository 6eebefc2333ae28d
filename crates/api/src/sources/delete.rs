//! `DELETE /api/v1/sources/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::sources;
use replyx_core::ids::SourceId;

use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes a source with its documents. A fetch in progress is stopped.
#[utoipa::path(
    delete, path = "/sources/{id}", operation_id = "delete_source", tag = "sources",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
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
    sources::delete(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
