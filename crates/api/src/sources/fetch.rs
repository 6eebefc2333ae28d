//! `POST /api/v1/sources/{id}/fetch`

use axum::{Json, extract::State, http::StatusCode};
use replyx_core::{ids::SourceId, knowledge::SourceStatus};
use replyx_knowledge::sources::{self, FetchSource};
use serde_json::json;

use super::SourceView;
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Fetches a source again; changed pages are indexed again. Nothing changes if it is already queued
/// or being fetched.
#[utoipa::path(
    post, path = "/sources/{id}/fetch", operation_id = "fetch_source", tag = "sources",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 202, description = "the source, waiting to be fetched", body = SourceView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such source", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.fetch", skip_all, fields(source.id = %id))]
pub async fn fetch(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
    Id(id): Id<SourceId>,
) -> ApiResult<(StatusCode, Json<SourceView>)> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).sources().lock(id).await?;
    let mut source = found.ok_or(ApiError::NotFound("source"))?;
    if matches!(source.status, SourceStatus::Ready | SourceStatus::Failed) {
        source.status = SourceStatus::Queued;
        source.error = None;
        source.updated_at = state.clock().now();
        tx.workspace(workspace).sources().save(&source).await?;
        let job = FetchSource { workspace_id: workspace, source_id: id };
        sources::queue(&mut tx, state.clock(), job).await?;
        let details = json!({"url": source.url});
        let act = caller.act(source.updated_at, "source.fetched", ("source", id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
    }
    Ok((StatusCode::ACCEPTED, Json(source.into())))
}
