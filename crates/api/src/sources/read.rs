//! `GET /api/v1/sources/{id}`

use axum::extract::State;
use replyx_core::ids::SourceId;

use super::{SourceView, tagged};
use crate::{
    caller::{DocumentsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    tagged::Tagged,
};

/// Shows a source with its status.
#[utoipa::path(
    get, path = "/sources/{id}", operation_id = "read_source", tag = "sources",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the source", body = SourceView),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such source", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.read", skip_all, fields(source.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: May<DocumentsRead>,
    Id(id): Id<SourceId>,
) -> ApiResult<Tagged<SourceView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).sources().find(id).await?;
    found.map(tagged).ok_or(ApiError::NotFound("source"))
}
