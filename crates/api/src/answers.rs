//! Answers written by people. Each is a document of its own kind: found by search like any
//! other, and shown here alone.

pub mod create;
pub mod import;
pub mod update;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_assistants::answers::{self, Pair, is_telling};
use replyx_core::{
    ids::{AssistantId, DocumentId},
    knowledge::{Document, DocumentStatus},
};
use replyx_storage::documents::DocumentFilter;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DocumentsRead, DocumentsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Ids, Params},
    page::{List, PageQuery},
    state::AppState,
    tagged::{Edition, Tagged},
};

/// A question and its answer, as clients see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairView {
    id: Uuid,
    #[schema(example = "Are you open on Sundays?")]
    question: String,
    #[schema(example = "Yes, from 10 to 16.")]
    answer: String,
    /// `queued`, `extracting`, `chunking`, `embedding`, `ready` or `failed`.
    #[schema(example = "ready")]
    status: DocumentStatus,
    /// Why it failed.
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl PairView {
    fn of(document: Document, pair: Pair) -> Self {
        Self {
            id: document.id.into_uuid(),
            question: pair.question,
            answer: pair.answer,
            status: document.status,
            error: document.error,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

/// A pair with its `ETag`. Its editions differ in what people wrote.
fn tagged(document: Document, pair: Pair) -> Tagged<PairView> {
    Tagged::new(edition(&pair), PairView::of(document, pair))
}

fn edition(pair: &Pair) -> Edition {
    Edition::of(pair)
}

/// A text that says something.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn telling(text: &str, (): &()) -> garde::Result {
    if is_telling(text) { Ok(()) } else { Err(garde::Error::new("must hold a letter or a digit")) }
}

/// Lists the questions and answers of an assistant, oldest first.
#[utoipa::path(
    get, path = "/assistants/{id}/answers", operation_id = "list_answers", tag = "answers",
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "a page of pairs", body = List<PairView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.list", skip_all, fields(assistant.id = %id))]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Id(id): Id<AssistantId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<PairView>> {
    let page = query.request::<DocumentId>()?;
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let known = tx.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    let filter = DocumentFilter { assistant: Some(id), answers: true, ..DocumentFilter::default() };
    let page = tx.workspace(workspace).documents().list_with_originals(filter, page).await?;
    let next_cursor = page.next.map(|cursor| cursor.to_string());
    let views = page.items.into_iter().map(|(document, original)| {
        let pair = Pair::parse(&original.into_inline().unwrap_or_default())?;
        Ok(PairView::of(document, pair))
    });
    let items = views.collect::<ApiResult<Vec<_>>>()?;

    Ok(List { items, next_cursor })
}

/// Shows a question with its answer.
#[utoipa::path(
    get, path = "/assistants/{id}/answers/{answer_id}", operation_id = "read_answer", tag = "answers",
    params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the pair", body = PairView),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant or answer", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.read", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Ids(id, answer_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<Tagged<PairView>> {
    let (document, pair) = answers::read(state.assistants(), &caller, id, answer_id).await?;
    Ok(tagged(document, pair))
}

/// Deletes a question with its answer.
#[utoipa::path(
    delete, path = "/assistants/{id}/answers/{answer_id}", operation_id = "delete_answer", tag = "answers",
    params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or answer", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.delete", skip_all)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Ids(id, answer_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<StatusCode> {
    answers::delete(state.assistants(), &caller, id, answer_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
