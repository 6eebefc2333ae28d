//! `POST /api/v1/assistants/{id}/sources`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    ids::{AssistantId, WorkspaceId},
    knowledge::{Source, SourceKind, SourceStatus},
};
use replyx_knowledge::sources::{self, FetchSource, MAX_SOURCES, USUAL_PAGES};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use utoipa::ToSchema;

use super::SourceView;
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    words::SourceKindWord,
};

/// A new source. What is left out has a sensible default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateSource)]
pub struct Request {
    /// Where it begins: a page, or a sitemap.
    #[garde(length(bytes, min = 1, max = 2_000))]
    #[schema(min_length = 1, max_length = 2_000, example = "https://example.org/help/")]
    url: String,
    /// How its pages are found: `page`, `site` or `sitemap`; one page unless set.
    #[garde(inner(custom(known_kind)))]
    #[schema(value_type = Option<SourceKindWord>, example = "site")]
    kind: Option<String>,
    /// How many links away from the beginning, for a `site`; 2 unless set.
    #[garde(range(min = 0, max = 3))]
    #[schema(minimum = 0, maximum = 3, example = 2)]
    depth: Option<i64>,
    /// How many pages at most; 200 unless set.
    #[garde(range(min = 1, max = 1_000))]
    #[schema(minimum = 1, maximum = 1_000, example = 200)]
    max_pages: Option<i64>,
    /// How often it is fetched again, hours; never by itself unless set.
    #[garde(range(min = 1, max = 8_760))]
    #[schema(minimum = 1, maximum = 8_760, example = 24)]
    refresh_hours: Option<i64>,
}

/// How pages are found, by its word.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn known_kind(word: &str, (): &()) -> garde::Result {
    word.parse::<SourceKind>()
        .map(drop)
        .map_err(|_| garde::Error::new("must be `page`, `site` or `sitemap`"))
}

impl Request {
    fn source(
        self,
        state: &AppState,
        workspace: WorkspaceId,
        assistant: AssistantId,
        url: &Url,
    ) -> Source {
        let now = state.clock().now();
        let kind = self.kind.and_then(|word| word.parse().ok()).unwrap_or(SourceKind::Page);
        Source {
            id: state.clock().id(),
            workspace_id: workspace,
            assistant_id: assistant,
            kind,
            url: url.to_string(),
            depth: if kind == SourceKind::Site { self.depth.unwrap_or(2) } else { 0 },
            max_pages: if kind == SourceKind::Page {
                1
            } else {
                self.max_pages.unwrap_or(USUAL_PAGES)
            },
            every_hours: self.refresh_hours,
            status: SourceStatus::Queued,
            error: None,
            pages: 0,
            bytes: 0,
            fetched_at: None,
            next_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Adds a source: web pages that the assistant learns from. Pages are fetched in the background,
/// one per second and only as the site's `robots.txt` allows. Only public addresses are fetched.
#[utoipa::path(
    post, path = "/assistants/{id}/sources", operation_id = "create_source", tag = "sources",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
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
    caller: May<DocumentsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<SourceView>)> {
    let workspace = caller.workspace_id;
    let known = state.db().read().await?.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    let url = admitted(&request.url, state.settings.private_addresses, workspace).await?;
    let source = request.source(&state, workspace, id, &url);

    let mut tx = state.db().begin().await?;
    // It may have been deleted while the name was looked up.
    let known = tx.workspace(workspace).assistants().lock(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    if tx.workspace(workspace).sources().count().await? >= MAX_SOURCES {
        let detail = format!("a workspace has at most {MAX_SOURCES} sources");
        return Err(ApiError::Conflict { code: "too_many_sources", detail });
    }
    tx.workspace(workspace).sources().insert(&source).await?;
    let job = FetchSource { workspace_id: workspace, source_id: source.id };
    sources::queue(&mut tx, state.clock(), job).await?;
    let details = json!({"url": source.url, "kind": source.kind.as_str(), "assistant_id": id});
    let act = caller.act(source.created_at, "source.created", ("source", source.id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(source.into())))
}

/// The address, if it is one that may be fetched.
async fn admitted(
    text: &str,
    private: replyx_crawl::Private,
    workspace: WorkspaceId,
) -> ApiResult<Url> {
    let url = Url::parse(text.trim()).ok().and_then(replyx_crawl::normalise);
    let url =
        url.ok_or_else(|| ApiError::field("url", replyx_crawl::Refused::Scheme.to_string()))?;
    let admitted = replyx_crawl::admit(&url, private, workspace).await;
    admitted.map_err(|refused| ApiError::field("url", refused.to_string()))?;
    Ok(url)
}
