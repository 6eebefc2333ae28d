//! `DELETE /api/v1/question-sets/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::QuestionSetId;
use serde_json::json;

use super::find_set;
use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes a question set with its runs.
#[utoipa::path(
    delete, path = "/question-sets/{id}", operation_id = "delete_question_set", tag = "evaluation",
    security(("bearer" = ["assistants:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it is gone"),
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
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let set = find_set(&mut tx, workspace, id).await?;
    let assistant = tx.workspace(workspace).assistants().lock(set.assistant_id).await?;
    if assistant.and_then(|assistant| assistant.gate).is_some_and(|gate| gate.set_id == id) {
        return Err(ApiError::Conflict {
            code: "question_set_in_use",
            detail: "the set is the gate of its assistant: take the gate away first".to_owned(),
        });
    }

    if !tx.workspace(workspace).question_sets().delete(id).await? {
        return Err(ApiError::NotFound("question set"));
    }

    let details = json!({"name": set.name});
    let act = caller.act(now, "question_set.deleted", ("question_set", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;

    Ok(StatusCode::NO_CONTENT)
}
