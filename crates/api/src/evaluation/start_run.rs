//! `POST /api/v1/question-sets/{id}/runs`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    evaluation::{Run, RunStatus},
    ids::QuestionSetId,
};
use replyx_engine::evaluation::{Evaluate, hash};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{MAX_RUNS, MAX_WAITING, RunView, find_set};
use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    models::Permitted,
    state::AppState,
};

/// What is to be measured.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StartEvaluationRun)]
pub struct Request {
    /// The number of a published version; the draft unless given.
    #[garde(range(min = 1))]
    #[schema(minimum = 1, example = 1)]
    version: Option<i64>,
    /// Whether to ask for answers, which may cost money, or to evaluate search only; `true` by
    /// default.
    #[serde(default = "yes")]
    #[garde(skip)]
    answers: bool,
}

const fn yes() -> bool {
    true
}

/// Starts an evaluation run of an assistant with a question set, in the background.
#[utoipa::path(
    post, path = "/question-sets/{id}/runs", operation_id = "start_evaluation_run", tag = "evaluation",
    security(("bearer" = ["assistants:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 202, description = "the run, waiting for its turn", body = RunView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such set, or no such version", body = Problem),
        (status = 409, description = "`too_many_runs`: others wait for their turn", body = Problem),
        (status = 422, description = "a field is not acceptable, or the settings name a model that may not be used", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.start_run", skip_all, fields(set.id = %id))]
pub async fn start_run(
    State(state): State<AppState>,
    caller: May<AssistantsWrite>,
    Id(id): Id<QuestionSetId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<RunView>)> {
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let set = find_set(&mut tx, workspace, id).await?;
    let questions = tx.workspace(workspace).question_sets().questions(id).await?;
    let found = tx.workspace(workspace).assistants().lock(set.assistant_id).await?;
    let assistant = found.ok_or(ApiError::NotFound("assistant"))?;
    let settings = match request.version {
        None => assistant.settings,
        Some(number) => {
            let found = tx.workspace(workspace).assistants().version(assistant.id, number).await?;
            found.ok_or(ApiError::NotFound("version"))?.settings
        }
    };

    if request.answers {
        Permitted::of(&state, &mut tx, workspace).await?.check(&settings)?;
    }

    let run = Run {
        id: state.clock().id(),
        workspace_id: workspace,
        set_id: id,
        assistant_id: assistant.id,
        version: request.version,
        settings_hash: hash(&settings, &questions),
        answers: request.answers,
        status: RunStatus::Queued,
        done: 0,
        total: set.size,
        metrics: None,
        error: None,
        created_at: now,
        finished_at: None,
    };

    if tx.workspace(workspace).runs().unfinished(id).await? >= MAX_WAITING {
        return Err(ApiError::Conflict {
            code: "too_many_runs",
            detail: format!("{MAX_WAITING} runs of this set wait already"),
        });
    }

    tx.workspace(workspace).runs().insert(&run).await?;
    tx.workspace(workspace).runs().prune(id, MAX_RUNS).await?;
    let job = Evaluate { workspace_id: workspace, run_id: run.id };
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    tx.workspace(workspace)
        .jobs()
        .enqueue(state.clock().id(), Evaluate::KIND, &payload, now)
        .await?;
    let details = json!({"question_set_id": id, "version": run.version, "answers": run.answers});
    let act = caller.act(now, "evaluation.started", ("evaluation_run", run.id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;

    Ok((StatusCode::ACCEPTED, Json(run.into())))
}
