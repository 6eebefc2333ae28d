//! Web pages that assistants learn from.

pub mod create;
pub mod update;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_assistants::sources;
use replyx_core::{
    ids::SourceId,
    knowledge::{Source, SourceKind, SourceStatus},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DocumentsRead, DocumentsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
    tagged::{Edition, Tagged},
};

/// A source, as clients see one. Its pages are documents with its `source_id`.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceView {
    id: Uuid,
    assistant_id: Uuid,
    /// How its pages are found: `page`, `site` or `sitemap`.
    #[schema(example = "site")]
    kind: SourceKind,
    /// Its start address.
    #[schema(example = "https://example.org/help/")]
    url: String,
    /// How many links away from there.
    #[schema(example = 2)]
    depth: i64,
    /// How many pages at most.
    #[schema(example = 200)]
    max_pages: i64,
    /// The refresh interval, hours; `null`: it is not refreshed automatically.
    #[schema(example = 24)]
    refresh_hours: Option<i64>,
    /// What its new pages are tagged with.
    #[schema(example = json!(["prices"]))]
    tags: Vec<String>,
    /// `queued`, `fetching`, `ready` or `failed`.
    #[schema(example = "ready")]
    status: SourceStatus,
    /// Why it failed.
    error: Option<String>,
    /// How many pages it has.
    #[schema(example = 42)]
    pages: i64,
    /// How large they are, bytes.
    #[schema(example = 1_048_576)]
    bytes: i64,
    /// When it was last fetched to its end.
    fetched_at: Option<DateTime<Utc>>,
    /// When it is due again.
    next_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        Self {
            id: source.id.into_uuid(),
            assistant_id: source.assistant_id.into_uuid(),
            kind: source.kind,
            url: source.url,
            depth: source.depth,
            max_pages: source.max_pages,
            refresh_hours: source.every_hours,
            tags: source.tags,
            status: source.status,
            error: source.error,
            pages: source.pages,
            bytes: source.bytes,
            fetched_at: source.fetched_at,
            next_at: source.next_at,
            created_at: source.created_at,
            updated_at: source.updated_at,
        }
    }
}

/// The edition of a source: what people may change of it. How far its fetching is does not matter.
fn edition(source: &Source) -> Edition {
    Edition::of(&(source.depth, source.max_pages, source.every_hours, &source.tags))
}

/// A source with its `ETag`.
fn tagged(source: Source) -> Tagged<SourceView> {
    Tagged::new(edition(&source), source.into())
}

/// Which sources.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only this assistant's; all assistants by default.
    assistant_id: Option<Uuid>,
    // Not a flattened `PageQuery`: its numbers could not be read from a query.
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists the sources, oldest first.
#[utoipa::path(
    get, path = "/sources", operation_id = "list_sources", tag = "sources",
    params(Query),
    responses(
        (status = 200, description = "a page of sources", body = List<SourceView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Params(query): Params<Query>,
) -> ApiResult<List<SourceView>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let assistant = query.assistant_id.map(Into::into);
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).sources().list(assistant, page).await?;
    Ok(List::of(page, SourceView::from))
}

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
    caller: Authorized<DocumentsRead>,
    Id(id): Id<SourceId>,
) -> ApiResult<Tagged<SourceView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).sources().find(id).await?;
    found.map(tagged).ok_or(ApiError::NotFound("source"))
}

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
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<SourceId>,
) -> ApiResult<(StatusCode, Json<SourceView>)> {
    let source = sources::fetch(state.assistants(), &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(source.into())))
}

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
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<SourceId>,
) -> ApiResult<StatusCode> {
    sources::delete(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
