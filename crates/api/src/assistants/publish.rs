//! `POST /api/v1/assistants/{id}/publish`

use axum::{Json, extract::State, http::StatusCode};
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
    location::Location,
    state::AppState,
};

/// The note of the version.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublishAssistant)]
pub struct Request {
    /// A description of the change for colleagues.
    #[serde(default)]
    #[garde(length(chars, max = 500))]
    #[schema(max_length = 500, example = "Prices of the new season")]
    note: String,
}

/// Publishes the draft as the next version, which answers customers from then on. If the assistant
/// has a gate, a run of its question set must show that the draft is not worse than the published
/// version.
#[utoipa::path(
    post, path = "/assistants/{id}/publish", operation_id = "publish_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 201, description = "the version", body = VersionView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`evaluation_required` or `evaluation_regressed`: its gate is closed", body = Problem),
        (status = 422, description = "a field is not acceptable, or the draft names a model that may not be used", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.publish", skip_all, fields(assistant.id = %id))]
pub async fn publish(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<VersionView>)> {
    let version = assistants::publish(state.assistants(), &caller, id, &request.note).await?;

    let published = version.number;
    let location = Location(format!("/api/v1/assistants/{id}/versions"));
    Ok((StatusCode::CREATED, location, Json(VersionView::of(version, published))))
}
