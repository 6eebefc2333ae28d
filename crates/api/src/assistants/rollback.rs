//! `POST /api/v1/assistants/{id}/rollback`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_assistants::assistants;
use replyx_core::ids::AssistantId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::versions::VersionView;
use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// Which version.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RollBackAssistant)]
pub struct Request {
    /// The number of a published version.
    #[garde(range(min = 1))]
    #[schema(minimum = 1, example = 1)]
    number: i64,
}

/// Rolls back to an earlier published version. The draft does not change.
#[utoipa::path(
    post, path = "/assistants/{id}/rollback", operation_id = "roll_back_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the version", body = VersionView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant, or no such version", body = Problem),
        (status = 422, description = "a field is not acceptable, or the version names a model that may not be used", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.rollback", skip_all, fields(assistant.id = %id))]
pub async fn rollback(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<VersionView>> {
    let number = request.number;
    let version = assistants::roll_back(state.assistants(), &caller, id, number).await?;
    Ok(Json(VersionView::of(version, number)))
}
