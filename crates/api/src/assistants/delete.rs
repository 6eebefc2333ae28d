//! `DELETE /api/v1/assistants/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_assistants::assistants;
use replyx_core::ids::AssistantId;

use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Deletes an assistant with its documents. Delete its bots first.
#[utoipa::path(
    delete, path = "/assistants/{id}", operation_id = "delete_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`assistant_in_use`: it still has channels", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.delete", skip_all, fields(assistant.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: May<AssistantsWrite>,
    Id(id): Id<AssistantId>,
) -> ApiResult<StatusCode> {
    assistants::delete(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
