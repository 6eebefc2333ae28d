//! `GET /api/v1/evaluation-runs/{id}/results`

use axum::extract::State;
use replyx_core::{ids::RunId, page::Page};

use super::{ResultView, find_run};
use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the result of each question of a run, in the order of the set.
#[utoipa::path(
    get, path = "/evaluation-runs/{id}/results", operation_id = "read_evaluation_results", tag = "evaluation",
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "the results", body = List<ResultView>),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such run", body = Problem),
        (status = 409, description = "`not_ready`: the run is not done", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.results", skip_all, fields(run.id = %id))]
pub async fn results(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<RunId>,
    Params(page): Params<PageQuery>,
) -> ApiResult<List<ResultView>> {
    let page = page.request::<usize>()?;
    let mut tx = state.db().read().await?;
    find_run(&mut tx, caller.workspace_id, id).await?;
    let results = tx.workspace(caller.workspace_id).runs().results(id).await?;
    let results = results.ok_or_else(|| ApiError::Conflict {
        code: "not_ready",
        detail: "the run is not done".to_owned(),
    })?;

    let first = page.after.map_or(0, |last| last.saturating_add(1));
    let end = first.saturating_add(page.limit as usize);
    let next = (end < results.len()).then(|| end - 1);
    let items = results.into_iter().skip(first).take(page.limit as usize).collect();
    Ok(List::of(Page { items, next }, Into::into))
}
