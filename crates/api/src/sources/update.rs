//! `PATCH /api/v1/sources/{id}`

use axum::extract::State;
use garde::Validate;
use replyx_assistants::sources::{self, SourceChange};
use replyx_core::{
    ids::SourceId,
    knowledge::{Document, Source},
    patch::Patch,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SourceView, edition, tagged};
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// The fields to change. Absent fields stay as they are. It counts from the next time the source is
/// fetched.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateSource)]
pub struct Request {
    /// How many links away from the beginning; only for a `site`.
    #[garde(range(min = 0, max = 3))]
    #[schema(minimum = 0, maximum = 3, example = 1)]
    depth: Option<i64>,
    /// How many pages at most; not for a `page`.
    #[garde(range(min = 1, max = 1_000))]
    #[schema(minimum = 1, maximum = 1_000, example = 100)]
    max_pages: Option<i64>,
    /// The refresh interval, hours; `null`: it is not refreshed automatically.
    #[serde(default)]
    #[garde(inner(range(min = 1, max = 8_760)))]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 8_760, example = 24)]
    refresh_hours: Patch<i64>,
    /// What pages that are found from now on are tagged with, at most 20 tags; pages that are there
    /// keep theirs.
    #[garde(inner(length(max = Document::TAGS), inner(length(chars, min = 1, max = Document::TAG))))]
    #[schema(max_items = 20, example = json!(["prices"]))]
    tags: Option<Vec<String>>,
}

impl From<Request> for SourceChange {
    fn from(request: Request) -> Self {
        Self {
            depth: request.depth,
            max_pages: request.max_pages,
            every_hours: request.refresh_hours,
            tags: request.tags,
        }
    }
}

/// Changes a source.
#[utoipa::path(
    patch, path = "/sources/{id}", operation_id = "update_source", tag = "sources",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the source", body = SourceView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such source", body = Problem),
        (status = 412, description = "it was changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.update", skip_all, fields(source.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<SourceId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<SourceView>> {
    let is_as_read = |found: &Source| expected.check(&edition(found)).is_ok();
    let source =
        sources::update(state.assistants(), &caller, id, request.into(), is_as_read).await?;
    Ok(tagged(source))
}
