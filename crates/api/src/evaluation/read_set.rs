//! `GET /api/v1/question-sets/{id}`

use axum::extract::State;
use replyx_core::ids::QuestionSetId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{QuestionView, SetView, edition, find_set};
use crate::{
    caller::{AssistantsRead, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
    tagged::Tagged,
};

/// A question set with its questions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionSetWithQuestions)]
pub struct Response {
    #[serde(flatten)]
    set: SetView,
    questions: Vec<QuestionView>,
}

/// Shows a question set with its questions.
#[utoipa::path(
    get, path = "/question-sets/{id}", operation_id = "read_question_set", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the set", body = Response),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such set", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.read_set", skip_all, fields(set.id = %id))]
pub async fn read_set(
    State(state): State<AppState>,
    caller: May<AssistantsRead>,
    Id(id): Id<QuestionSetId>,
) -> ApiResult<Tagged<Response>> {
    let mut tx = state.db().read().await?;
    let set = find_set(&mut tx, caller.workspace_id, id).await?;
    let questions = tx.workspace(caller.workspace_id).question_sets().questions(id).await?;
    let questions = questions.into_iter().map(Into::into).collect();
    Ok(Tagged::new(edition(&set), Response { set: set.into(), questions }))
}
