//! `POST /api/v1/assistants/{id}/search`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{
    ids::{AssistantId, DocumentId},
    knowledge::{Document, tags},
};
use replyx_knowledge::search::{Hit, Mode, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{AssistantsRead, Authorized},
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
    /// By words and meaning (`fused`, unless given), by words (`full_text`), or by meaning
    /// (`vectors`).
    #[serde(default)]
    #[garde(skip)]
    mode: ModeWord,
    /// Only in these documents, at most 100; in all unless given.
    #[serde(default)]
    #[garde(length(max = 100))]
    #[schema(max_items = 100)]
    document_ids: Vec<Uuid>,
    /// Only in documents with one of these tags, at most 20, and in answers that people wrote; the
    /// tags of the assistant's draft unless given, `[]` for all.
    #[garde(inner(length(max = Document::TAGS), inner(length(chars, min = 1, max = Document::TAG))))]
    #[schema(max_items = 20, example = json!(["prices"]))]
    tags: Option<Vec<String>>,
    /// Only in documents of this language (ISO 639-1).
    #[garde(length(chars, min = 2, max = 3))]
    #[schema(min_length = 2, max_length = 3, example = "en")]
    language: Option<String>,
}

/// The search mode.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SearchMode)]
pub enum ModeWord {
    /// By words and by meaning.
    #[default]
    Fused,
    /// By words alone.
    FullText,
    /// By meaning alone.
    Vectors,
}

const fn ten() -> usize {
    10
}

/// What was found, best first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResults)]
pub struct Response {
    hits: Vec<HitView>,
    /// The tags of which each document has one; empty: all documents were searched.
    #[schema(example = json!([]))]
    tags: Vec<String>,
    /// The embedding model whose vectors were used; `null`: search used words only.
    #[schema(example = "multilingual-e5-small")]
    embedding_model: Option<String>,
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
    /// Its score, 0 to 1.
    #[schema(example = 0.87)]
    score: f64,
    /// Its score by words, 0 to 1.
    #[schema(example = 0.52)]
    words: Option<f64>,
    /// How near it is in meaning: the cosine of the vectors.
    #[schema(example = 0.91)]
    likeness: Option<f64>,
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
            words: hit.words,
            likeness: hit.likeness,
        }
    }
}

/// Searches an assistant's documents.
#[utoipa::path(
    post, path = "/assistants/{id}/search", operation_id = "search_assistant", tag = "assistants",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "what was found", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.search", skip_all, fields(assistant.id = %id))]
pub async fn search(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<Response>> {
    let workspace = caller.workspace_id;
    let found = state.db().read().await?.workspace(workspace).assistants().find(id).await?;
    let draft = found.ok_or(ApiError::NotFound("assistant"))?;
    let tags = request.tags.as_deref().map_or(draft.settings.tags, tags);
    let documents: Vec<DocumentId> = request.document_ids.into_iter().map(Into::into).collect();
    let query = Query {
        mode: match request.mode {
            ModeWord::Fused => Mode::Fused,
            ModeWord::FullText => Mode::FullText,
            ModeWord::Vectors => Mode::Vectors,
        },
        documents: &documents,
        tags: &tags,
        language: request.language.as_deref(),
        ..Query::new(&request.query, request.limit)
    };
    let found = state.engine.search.find(state.db(), workspace, id, &query).await?;
    // Models were asked, which may have taken long.
    caller.still_may(&state).await?;
    let hits = found.hits.into_iter().map(HitView::from).collect();
    Ok(Json(Response { hits, tags, embedding_model: found.vectors }))
}
