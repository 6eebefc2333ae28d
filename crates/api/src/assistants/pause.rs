//! `POST /api/v1/assistants/{id}/pause`, `POST /api/v1/assistants/{id}/resume`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_assistants::assistants;
use replyx_core::{assistant::Pause, ids::AssistantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{AssistantsRead, AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Id, MaybeBody},
    state::AppState,
};

/// What customers are told.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PauseAssistant)]
pub struct Request {
    /// Sent once to each customer who writes in the meantime; the text `paused` of the assistant
    /// unless set.
    #[garde(inner(length(chars, min = 1, max = 4_000)))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "We are moving today. Please write again tomorrow."
    )]
    text: Option<String>,
}

/// Whether an assistant is paused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssistantPause)]
pub struct PauseView {
    paused: bool,
    /// Since when.
    since: Option<DateTime<Utc>>,
    /// What customers are told, if it is not the text `paused` of the assistant.
    #[schema(example = "We are moving today. Please write again tomorrow.")]
    text: Option<String>,
}

impl From<Option<Pause>> for PauseView {
    fn from(pause: Option<Pause>) -> Self {
        match pause {
            None => Self { paused: false, since: None, text: None },
            Some(pause) => Self { paused: true, since: Some(pause.since), text: pause.text },
        }
    }
}

/// Shows whether an assistant is paused.
#[utoipa::path(
    get, path = "/assistants/{id}/pause", operation_id = "read_assistant_pause", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "whether it is paused", body = PauseView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.paused", skip_all, fields(assistant.id = %id))]
pub async fn paused(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
) -> ApiResult<Json<PauseView>> {
    let pause = assistants::paused(state.assistants(), &caller, id).await?;
    Ok(Json(pause.into()))
}

/// Pauses an assistant: it answers nobody until it is resumed. What it has not begun to send is
/// canceled, and answers that are being written are discarded. A customer who writes in the
/// meantime hears the text once per dialog. Operators go on answering. Pausing an assistant that is
/// paused changes the text.
#[utoipa::path(
    post, path = "/assistants/{id}/pause", operation_id = "pause_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)), request_body = Option<Request>,
    responses(
        (status = 200, description = "it is paused", body = PauseView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.pause", skip_all, fields(assistant.id = %id))]
pub async fn pause(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    MaybeBody(request): MaybeBody<Request>,
) -> ApiResult<Json<PauseView>> {
    let text = request.text.as_deref();
    let pause = assistants::pause(state.assistants(), &caller, id, text).await?;
    Ok(Json(Some(pause).into()))
}

/// Resumes an assistant: it answers what customers write from now on.
#[utoipa::path(
    post, path = "/assistants/{id}/resume", operation_id = "resume_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "it is not paused", body = PauseView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.resume", skip_all, fields(assistant.id = %id))]
pub async fn resume(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
) -> ApiResult<Json<PauseView>> {
    assistants::resume(state.assistants(), &caller, id).await?;
    Ok(Json(PauseView::from(None::<Pause>)))
}
