//! Runs of question sets: listed and shown.

use axum::{Json, extract::State};
use replyx_core::ids::{QuestionSetId, RunId};

use super::{RunView, find_run, find_set};
use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the runs of a question set, newest first.
#[utoipa::path(
    get, path = "/question-sets/{id}/runs", operation_id = "list_evaluation_runs", tag = "evaluation",
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "a page of runs", body = List<RunView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such set", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.list_runs", skip_all, fields(set.id = %id))]
pub async fn list_runs(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<QuestionSetId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<RunView>> {
    let mut tx = state.db().read().await?;
    find_set(&mut tx, caller.workspace_id, id).await?;
    let page = tx.workspace(caller.workspace_id).runs().list(id, query.request()?).await?;
    Ok(List::of(page, RunView::from))
}

/// Shows an evaluation run.
#[utoipa::path(
    get, path = "/evaluation-runs/{id}", operation_id = "read_evaluation_run", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the run", body = RunView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such run", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.read_run", skip_all, fields(run.id = %id))]
pub async fn read_run(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<RunId>,
) -> ApiResult<Json<RunView>> {
    let mut tx = state.db().read().await?;
    let run = find_run(&mut tx, caller.workspace_id, id).await?;
    Ok(Json(run.into()))
}
