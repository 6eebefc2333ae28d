//! `GET /api/v1/assistants/{id}/stats`

use axum::{Json, extract::State};
use chrono::Days;
use replyx_core::ids::AssistantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    usage::{TotalsView, sum},
};

/// At most so many rows of usage are added up: days by purposes by models.
const ROWS: u32 = 10_000;

/// An assistant in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssistantStats)]
pub struct Response {
    /// The number of its documents, including failed ones, without answers written by people.
    #[schema(example = 12)]
    documents: i64,
    /// The number of its answers written by people.
    #[schema(example = 40)]
    answers: i64,
    /// How many of both are still being read.
    #[schema(example = 0)]
    waiting: i64,
    /// How many of both cannot be read.
    #[schema(example = 1)]
    failed: i64,
    /// How many passages they have.
    #[schema(example = 310)]
    passages: i64,
    /// How many of them have a vector of any model.
    #[schema(example = 310)]
    embedded: i64,
    /// The embedding model of the installation; `null`: search uses words only.
    #[schema(example = "multilingual-e5-small")]
    embedding_model: Option<String>,
    /// Grows with every change of what it knows.
    #[schema(example = 57)]
    knowledge_revision: i64,
    /// Model use today, UTC.
    today: TotalsView,
    /// Model use in the last 30 days, including today.
    month: TotalsView,
}

/// Shows an assistant's statistics: its knowledge and its costs.
#[utoipa::path(
    get, path = "/assistants/{id}/stats", operation_id = "read_assistant_stats", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the statistics", body = Response),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.stats", skip_all, fields(assistant.id = %id))]
pub async fn stats(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
) -> ApiResult<Json<Response>> {
    let today = state.clock().now().date_naive();
    let first = today.checked_sub_days(Days::new(29)).unwrap_or(today);
    let mut tx = state.db().read().await?;
    let head = tx.workspace(caller.workspace_id).knowledge().head(id).await?;
    let head = head.ok_or(ApiError::NotFound("assistant"))?;
    let census = tx.workspace(caller.workspace_id).knowledge().census(id).await?;
    let calls = tx.workspace(caller.workspace_id).model_calls();
    let usage = calls.by_day(Some(id), first, today, ROWS).await?;

    Ok(Json(Response {
        documents: head.documents - census.answers,
        answers: census.answers,
        waiting: census.waiting,
        failed: census.failed,
        passages: head.passages,
        embedded: census.embedded,
        embedding_model: state.engine.embeddings.model().map(str::to_owned),
        knowledge_revision: head.revision,
        today: sum(usage.iter().filter(|usage| usage.day == today)).into(),
        month: sum(&usage).into(),
    }))
}
