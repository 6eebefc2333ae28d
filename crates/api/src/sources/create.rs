//! `POST /api/v1/assistants/{id}/sources`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_assistants::sources::{self, NewSource};
use replyx_core::{
    ids::AssistantId,
    knowledge::{Document, SourceKind},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::SourceView;
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// A new source. Omitted fields have defaults.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateSource)]
pub struct Request {
    /// The start address: a page or a sitemap.
    #[garde(length(bytes, min = 1, max = 2_000))]
    #[schema(min_length = 1, max_length = 2_000, example = "https://example.org/help/")]
    url: String,
    /// How its pages are found: `page`, `site` or `sitemap`; one page unless set.
    #[garde(skip)]
    #[schema(example = "site")]
    kind: Option<SourceKind>,
    /// How many links away from the beginning, for a `site`; 2 unless set.
    #[garde(range(min = 0, max = 3))]
    #[schema(minimum = 0, maximum = 3, example = 2)]
    depth: Option<i64>,
    /// How many pages at most; 200 unless set.
    #[garde(range(min = 1, max = 1_000))]
    #[schema(minimum = 1, maximum = 1_000, example = 200)]
    max_pages: Option<i64>,
    /// The refresh interval, hours; by default it is not refreshed automatically.
    #[garde(range(min = 1, max = 8_760))]
    #[schema(minimum = 1, maximum = 8_760, example = 24)]
    refresh_hours: Option<i64>,
    /// What its pages are tagged with, at most 20 tags; stored in small letters.
    #[serde(default)]
    #[garde(length(max = Document::TAGS), inner(length(chars, min = 1, max = Document::TAG)))]
    #[schema(max_items = 20, example = json!(["prices"]))]
    tags: Vec<String>,
}

impl From<Request> for NewSource {
    fn from(request: Request) -> Self {
        Self {
            url: request.url,
            kind: request.kind,
            depth: request.depth,
            max_pages: request.max_pages,
            every_hours: request.refresh_hours,
            tags: request.tags,
        }
    }
}

/// Adds a source: web pages that the assistant learns from. Pages are fetched in the background,
/// one per second and only as the site's `robots.txt` allows. Only public addresses are fetched.
#[utoipa::path(
    post, path = "/assistants/{id}/sources", operation_id = "create_source", tag = "sources",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 202, description = "the source, waiting to be fetched", body = SourceView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`too_many_sources`: the workspace has 50", body = Problem),
        (status = 422, description = "a field is not acceptable, or the address is none that is fetched", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.create", skip_all, fields(assistant.id = %id))]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<SourceView>)> {
    let private = state.settings.private_addresses;
    let source = sources::admit(state.assistants(), &caller, id, request.into(), private).await?;
    // The name was looked up, which may have taken long.
    caller.still_may(&state).await?;
    let source = sources::create(state.assistants(), &caller, id, &source).await?;
    Ok((StatusCode::ACCEPTED, Json(source.into())))
}
