//! `POST /api/v1/assistants/{id}/search`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::ids::AssistantId;
use replyx_knowledge::search::Hit;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{AssistantsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// What to look for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SearchAssistant)]
pub struct Request {
    /// A question, or words.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(example = "How long does delivery take?", min_length = 1, max_length = 4_000)]
    query: String,
    /// At most this many hits, 1 to 50.
    #[serde(default = "ten")]
    #[garde(range(min = 1, max = 50))]
    #[schema(minimum = 1, maximum = 50, example = 5)]
    limit: usize,
}

const fn ten() -> usize {
    10
}

/// What was found, best first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResults)]
pub struct Response {
    hits: Vec<HitView>,
}

/// A passage that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct HitView {
    document_id: Uuid,
    passage_id: Uuid,
    /// The document's name.
    #[schema(example = "returns.en.md")]
    title: String,
    /// The headings above the passage, outermost first, joined by ` > `.
    #[schema(example = "Returns > How long")]
    headings: String,
    #[schema(example = "You may return an item within 30 days.")]
    text: String,
    /// The page of the original, from 1, where the format has pages.
    #[schema(example = 2)]
    page: Option<i64>,
    /// Where the passage begins in the document's text, bytes.
    #[schema(example = 120)]
    start: i64,
    /// Where it ends, bytes, exclusive.
    #[schema(example = 158)]
    end: i64,
    /// How well it fits, 0 to 1.
    #[schema(example = 0.87)]
    score: f64,
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        let passage = hit.passage;
        Self {
            document_id: passage.document_id.into_uuid(),
            passage_id: passage.id.into_uuid(),
            title: passage.title,
            headings: passage.headings,
            text: passage.text,
            page: passage.page,
            start: passage.start,
            end: passage.end,
            score: hit.score,
        }
    }
}

/// Searches an assistant's documents.
#[utoipa::path(
    post, path = "/assistants/{id}/search", operation_id = "search_assistant", tag = "assistants",
    security(("bearer" = ["assistants:read"])), params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "what was found", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.search", skip_all, fields(assistant.id = %id.0))]
pub async fn search(
    state: State<AppState>,
    caller: May<AssistantsRead>,
    id: Id<AssistantId>,
    body: Body<Request>,
) -> ApiResult<Json<Response>> {
    let (State(state), Id(id), Body(request)) = (state, id, body);
    let workspace = caller.workspace_id;
    let found = state.db().read().await?.workspace(workspace).assistants().find(id).await?;
    found.ok_or(ApiError::NotFound("assistant"))?;
    let hits =
        replyx_knowledge::search::search(state.db(), workspace, id, &request.query, request.limit)
            .await?;
    Ok(Json(Response { hits: hits.into_iter().map(HitView::from).collect() }))
}
