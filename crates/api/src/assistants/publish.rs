//! `POST /api/v1/assistants/{id}/publish`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{assistant::Version, ids::AssistantId};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::versions::VersionView;
use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiError, ApiResult, Problem},
    evaluation,
    input::{Body, Id},
    location::Location,
    models::Permitted,
    state::AppState,
};

/// The note of the version.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublishAssistant)]
pub struct Request {
    /// What changed, for colleagues.
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
    security(("bearer" = ["assistants:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
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
    caller: May<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<VersionView>)> {
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).assistants().lock(id).await?;
    let assistant = found.ok_or(ApiError::NotFound("assistant"))?;
    Permitted::of(&state, &mut tx, workspace).await?.check(&assistant.settings)?;
    let run_id = evaluation::pass(&mut tx, workspace, &assistant).await?;

    let version = Version {
        number: tx.workspace(workspace).assistants().next_number(id).await?,
        settings: assistant.settings,
        note: request.note,
        run_id,
        created_by: caller.name(),
        created_at: now,
    };

    tx.workspace(workspace).assistants().publish(id, &version).await?;
    let details = json!({"name": version.settings.name, "number": version.number});
    let act = caller.act(now, "assistant.published", ("assistant", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    let number = version.number;
    let location = Location(format!("/api/v1/assistants/{id}/versions"));
    Ok((StatusCode::CREATED, location, Json(VersionView::of(version, number))))
}
