//! `GET /api/v1/evaluation-runs/{id}`

use axum::{Json, extract::State};
use replyx_core::ids::RunId;

use super::{RunView, find_run};
use crate::{
    caller::{AssistantsRead, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

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
    caller: May<AssistantsRead>,
    Id(id): Id<RunId>,
) -> ApiResult<Json<RunView>> {
    let mut tx = state.db().read().await?;
    let run = find_run(&mut tx, caller.workspace_id, id).await?;
    Ok(Json(run.into()))
}
