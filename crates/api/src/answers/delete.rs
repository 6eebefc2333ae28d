//! `DELETE /api/v1/assistants/{id}/answers/{answer_id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::answers;
use replyx_core::ids::{AssistantId, DocumentId};

use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiResult, Problem},
    input::Ids,
    state::AppState,
};

/// Deletes a question with its answer.
#[utoipa::path(
    delete, path = "/assistants/{id}/answers/{answer_id}", operation_id = "delete_answer", tag = "answers",
    params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or answer", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.delete", skip_all)]
pub async fn delete(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
    Ids(id, answer_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<StatusCode> {
    answers::delete(state.assistants(), &caller, id, answer_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
