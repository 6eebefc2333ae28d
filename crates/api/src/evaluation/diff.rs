//! `GET /api/v1/evaluation-runs/{id}/diff`

use axum::{Json, extract::State};
use replyx_core::{evaluation::Run, ids::RunId};
use replyx_knowledge::evaluate::{Change, compare};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::find_run;
use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    state::AppState,
};

/// With which run.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// The earlier run.
    base: Uuid,
    /// How much worse a share may be, 0 to 1; 0 by default.
    #[param(minimum = 0.0, maximum = 1.0)]
    tolerance: Option<f64>,
}

/// The metrics that improved and those that got worse.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationDiff)]
pub struct Response {
    /// Whether any measure is worse by more than the tolerance.
    regressed: bool,
    /// The measures that both runs have.
    changes: Vec<ChangeView>,
    /// Questions that went right and no longer do.
    broken: Vec<String>,
    /// Questions that went wrong and no longer do.
    mended: Vec<String>,
}

/// A measure in two runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationChange)]
pub struct ChangeView {
    #[schema(example = "recall_1")]
    measure: &'static str,
    #[schema(example = 0.92)]
    before: f64,
    #[schema(example = 0.95)]
    after: f64,
    /// Whether it is worse by more than the tolerance.
    regressed: bool,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        Self {
            measure: change.measure,
            before: change.before,
            after: change.after,
            regressed: change.regressed,
        }
    }
}

/// Compares a run with an earlier one.
#[utoipa::path(
    get, path = "/evaluation-runs/{id}/diff", operation_id = "compare_evaluation_runs", tag = "evaluation",
    params(("id" = Uuid, Path), Query),
    responses(
        (status = 200, description = "what became better and worse", body = Response),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such run", body = Problem),
        (status = 409, description = "`not_ready`: one of the runs is not done; `different_sets`: they are of different question sets", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.diff", skip_all, fields(run.id = %id))]
pub async fn diff(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<RunId>,
    Params(query): Params<Query>,
) -> ApiResult<Json<Response>> {
    let tolerance = query.tolerance.unwrap_or_default();
    if !(0.0..=1.0).contains(&tolerance) {
        return Err(ApiError::Malformed("`tolerance` is 0 to 1".to_owned()));
    }

    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let after = find_run(&mut tx, workspace, id).await?;
    let before = find_run(&mut tx, workspace, query.base.into()).await?;
    if before.set_id != after.set_id {
        let detail = "the runs are of different question sets".to_owned();
        return Err(ApiError::Conflict { code: "different_sets", detail });
    }

    let of_before = tx.workspace(workspace).runs().results(before.id).await?.unwrap_or_default();
    let of_after = tx.workspace(workspace).runs().results(after.id).await?.unwrap_or_default();

    let measured = |run: Run| {
        run.metrics.ok_or_else(|| ApiError::Conflict {
            code: "not_ready",
            detail: "one of the runs is not done".to_owned(),
        })
    };

    let before = measured(before)?;
    let after = measured(after)?;
    let comparison = compare((&before, &of_before), (&after, &of_after), tolerance);
    Ok(Json(Response {
        regressed: comparison.regressed(),
        changes: comparison.changes.into_iter().map(Into::into).collect(),
        broken: comparison.broken,
        mended: comparison.mended,
    }))
}
