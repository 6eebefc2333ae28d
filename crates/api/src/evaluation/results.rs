//! `GET /api/v1/evaluation-runs/{id}/results`

use axum::{Json, extract::State};
use replyx_core::ids::RunId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ResultView, find_run};
use crate::{
    caller::{AssistantsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// How each question went, in the order of the set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationResults)]
pub struct Response {
    items: Vec<ResultView>,
}

/// Shows how each question of a run went.
#[utoipa::path(
    get, path = "/evaluation-runs/{id}/results", operation_id = "read_evaluation_results", tag = "evaluation",
    security(("bearer" = ["assistants:read"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the results", body = Response),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such run", body = Problem),
        (status = 409, description = "`not_ready`: the run is not done", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.results", skip_all, fields(run.id = %id.0))]
pub async fn results(
    state: State<AppState>,
    caller: May<AssistantsRead>,
    id: Id<RunId>,
) -> ApiResult<Json<Response>> {
    let (State(state), Id(id)) = (state, id);
    let mut tx = state.db().read().await?;
    find_run(&mut tx, caller.workspace_id, id).await?;
    let results = tx.workspace(caller.workspace_id).runs().results(id).await?;
    let results = results.ok_or_else(|| ApiError::Conflict {
        code: "not_ready",
        detail: "the run is not done".to_owned(),
    })?;
    Ok(Json(Response { items: results.into_iter().map(Into::into).collect() }))
}
