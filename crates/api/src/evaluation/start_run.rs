//! `POST /api/v1/question-sets/{id}/runs`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_assistants::evaluation::{self, Measure, MeasuredSettings, NewRun};
use replyx_core::ids::QuestionSetId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::RunView;
use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// What to measure.
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
    params(("id" = uuid::Uuid, Path)), request_body = Request,
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
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<QuestionSetId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Json<RunView>)> {
    let new = NewRun {
        subject: request.version.map_or(MeasuredSettings::Draft, MeasuredSettings::Version),
        measure: if request.answers { Measure::SearchAndAnswers } else { Measure::Search },
    };
    let run = evaluation::start_run(state.assistants(), &caller, id, new).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}
