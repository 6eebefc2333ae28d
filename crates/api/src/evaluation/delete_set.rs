//! `DELETE /api/v1/question-sets/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::evaluation;
use replyx_core::ids::QuestionSetId;

use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes a question set with its runs.
#[utoipa::path(
    delete, path = "/question-sets/{id}", operation_id = "delete_question_set", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such set", body = Problem),
        (status = 409, description = "`question_set_in_use`: it is the gate of its assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.delete_set", skip_all, fields(set.id = %id))]
pub async fn delete_set(
    State(state): State<AppState>,
    caller: May<AssistantsWrite>,
    Id(id): Id<QuestionSetId>,
) -> ApiResult<StatusCode> {
    evaluation::delete_set(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
