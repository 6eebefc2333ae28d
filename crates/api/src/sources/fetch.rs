//! `POST /api/v1/sources/{id}/fetch`

use axum::{Json, extract::State, http::StatusCode};
use replyx_assistants::sources;
use replyx_core::ids::SourceId;

use super::SourceView;
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Fetches a source again; changed pages are indexed again. Nothing changes if it is already queued
/// or being fetched.
#[utoipa::path(
    post, path = "/sources/{id}/fetch", operation_id = "fetch_source", tag = "sources",
    params(("id" = uuid::Uuid, Path)),
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
    let source = sources::fetch(state.assistants(), &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(source.into())))
}
