//! `DELETE /api/v1/assistants/{id}/answers/{answer_id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::{AssistantId, DocumentId};
use serde_json::json;

use super::{of_assistant, target};
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Ids,
    state::AppState,
};

/// Deletes a question with its answer.
#[utoipa::path(
    delete, path = "/assistants/{id}/answers/{answer_id}", operation_id = "delete_answer", tag = "answers",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it is gone"),
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
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).documents().lock(answer_id).await?;
    let document = of_assistant(found, id)?;
    if !tx.workspace(workspace).documents().delete(&document, now).await? {
        return Err(ApiError::NotFound("answer"));
    }
    let details = json!({"name": document.name, "assistant_id": id});
    let act = caller.act(now, "answer.deleted", target(answer_id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
