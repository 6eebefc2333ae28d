//! `DELETE /api/v1/assistants/{id}`

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use replyx_core::{
    assistant::Assistant,
    ids::{AssistantId, WorkspaceId},
};
use replyx_storage::{Tx, assistants::Whole};
use serde_json::json;

use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// How often it may have got another document while we waited for those it had.
const TRIES: usize = 10;
/// When who has met that may ask again.
const AGAIN: Duration = Duration::from_secs(1);

/// Deletes an assistant with its documents. Delete its bots first.
#[utoipa::path(
    delete, path = "/assistants/{id}", operation_id = "delete_assistant", tag = "assistants",
    security(("bearer" = ["assistants:write"])), params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`assistant_in_use`: it still has bots", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.delete", skip_all, fields(assistant.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: May<AssistantsWrite>,
    Id(id): Id<AssistantId>,
) -> ApiResult<StatusCode> {
    let (mut tx, assistant) = lock(&state, caller.workspace_id, id).await?;
    if tx.workspace(caller.workspace_id).channels().count_of(id).await? > 0 {
        let detail = "delete the assistant's channels first".to_owned();
        return Err(ApiError::Conflict { code: "assistant_in_use", detail });
    }
    let now = state.clock().now();
    if !tx.workspace(caller.workspace_id).assistants().delete(id, now).await? {
        return Err(ApiError::NotFound("assistant"));
    }
    let details = json!({"name": assistant.settings.name});
    let act = caller.act(now, "assistant.deleted", ("assistant", id), details);
    tx.workspace(caller.workspace_id).audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Locks the assistant with all it has: nobody can give it a bot or a document in the meantime.
async fn lock(
    state: &AppState,
    workspace: WorkspaceId,
    id: AssistantId,
) -> ApiResult<(Tx, Assistant)> {
    for _ in 0..TRIES {
        let mut tx = state.db().begin().await?;
        match tx.workspace(workspace).assistants().lock_whole(id).await? {
            Whole::Locked(assistant) => return Ok((tx, *assistant)),
            Whole::Missing => return Err(ApiError::NotFound("assistant")),
            Whole::Grown => {}
        }
    }
    Err(ApiError::Busy(AGAIN))
}
