//! `GET /api/v1/assistants/{id}`

use axum::extract::State;
use replyx_core::ids::AssistantId;

use super::{AssistantView, tagged};
use crate::{
    caller::{AssistantsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    tagged::Tagged,
};

/// Shows an assistant.
#[utoipa::path(
    get, path = "/assistants/{id}", operation_id = "read_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the assistant", body = AssistantView),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.read", skip_all, fields(assistant.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: May<AssistantsRead>,
    Id(id): Id<AssistantId>,
) -> ApiResult<Tagged<AssistantView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).assistants().find(id).await?;
    found.map(tagged).ok_or(ApiError::NotFound("assistant"))
}
