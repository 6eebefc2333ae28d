//! `POST /api/v1/assistants/{id}/preview`

mod stream;
mod view;

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use garde::Validate;
use replyx_assistants::permitted::Permitted;
use replyx_core::ids::{AssistantId, WorkspaceId};
use replyx_engine::{
    context::EarlierMessage,
    preview::{self, PreviewRequest, PreviewVersion},
    turn::Step,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};
use view::{PreviewEvent, PreviewView, prompt};

/// The media type of a stream.
const STREAM: &str = "text/event-stream";

/// When to preview again if no model was free.
const BUSY: Duration = Duration::from_secs(5);

/// A customer's message.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewAssistant)]
pub struct Request {
    /// The customer's words.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(min_length = 1, max_length = 4_000, example = "How long does delivery take?")]
    text: String,
    /// What was said before, oldest first; at most 20 messages.
    #[serde(default)]
    #[garde(length(max = 20), dive)]
    #[schema(max_items = 20)]
    history: Vec<Earlier>,
    /// The settings to answer with: the `draft` (the default), the `published` version, or the
    /// number of a version.
    #[garde(inner(custom(known_version)))]
    #[schema(pattern = "^(draft|published|[1-9][0-9]{0,17})$", example = "draft")]
    version: Option<String>,
}

/// Something that was said before.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EarlierMessage)]
struct Earlier {
    /// The author.
    #[garde(skip)]
    author: Speaker,
    /// What was said.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(min_length = 1, max_length = 4_000, example = "Hello!")]
    text: String,
}

/// The author of a message in a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    /// The customer.
    Customer,
    /// The assistant.
    Assistant,
}

fn version(text: &str) -> Option<PreviewVersion> {
    match text {
        "draft" => Some(PreviewVersion::Draft),
        "published" => Some(PreviewVersion::Published),
        number => {
            let canonical = number.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.parse().ok().filter(|number| canonical && *number >= 1);
            number.map(PreviewVersion::Number)
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn known_version(text: &str, (): &()) -> garde::Result {
    let wrong = || garde::Error::new("must be `draft`, `published` or the number of a version");
    version(text).map(drop).ok_or_else(wrong)
}

impl Request {
    fn into_request(self) -> PreviewRequest {
        let said = |(earlier, seq): (Earlier, i64)| EarlierMessage {
            seq,
            ours: earlier.author == Speaker::Assistant,
            text: earlier.text,
        };
        PreviewRequest {
            text: self.text,
            history: self.history.into_iter().zip(1..).map(said).collect(),
            version: self.version.as_deref().and_then(version).unwrap_or_default(),
        }
    }
}

/// Previews how the assistant would answer a customer, with every step. Nobody else sees the
/// preview, and only its cost is stored.
///
/// With `Accept: text/event-stream` each step is sent as it happens; the last event, `done`,
/// contains the complete response. The stream ends with `bye` if your access ends.
#[utoipa::path(
    post, path = "/assistants/{id}/preview", operation_id = "preview_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the answer, with every step",
            content((PreviewView = "application/json"), (PreviewEvent = "text/event-stream"))),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 402, description = "`insufficient_funds`", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or version", body = Problem),
        (status = 409, description = "`no_price`", body = Problem),
        (status = 422, description = "a field is not acceptable, or the settings name a model that may not be used", body = Problem),
        (status = 429, description = "`too_many_streams`: streamed previews count", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.preview", skip_all, fields(assistant.id = %id))]
pub async fn preview(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    headers: HeaderMap,
    Body(request): Body<Request>,
) -> ApiResult<Response> {
    let workspace = caller.workspace_id;
    let request = request.into_request();
    there_is(&state, workspace, id, request.version).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains(STREAM)) {
        let guard = caller.guard(&state).await?;
        return Ok(stream::begin(state, guard, id, request));
    }
    let mut last = Vec::new();
    let mut note = |step: Step<'_>| {
        if let Some(messages) = prompt(&step) {
            last = messages;
        }
    };
    let answered = preview::run(&state.engine, workspace, id, request, &mut note).await?;
    let answered = answered.ok_or(ApiError::NotFound("assistant"))?;
    // A model takes its time: who was removed in the meantime reads nothing.
    caller.still_may(&state).await?;
    if answered.turned_away {
        return Err(ApiError::Busy(BUSY));
    }

    Ok(Json(PreviewView::of(answered, last)).into_response())
}

/// 404 comes before the first event, and so does 422 for a model that may not be used.
async fn there_is(
    state: &AppState,
    workspace: WorkspaceId,
    id: AssistantId,
    which: PreviewVersion,
) -> ApiResult<()> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(workspace).assistants().find(id).await?;
    let draft = found.ok_or(ApiError::NotFound("assistant"))?;
    let settings = match which {
        PreviewVersion::Draft => draft.settings,
        PreviewVersion::Published => {
            let found = tx.workspace(workspace).assistants().published(id).await?;
            found.ok_or(ApiError::NotFound("version"))?.settings
        }
        PreviewVersion::Number(number) => {
            let found = tx.workspace(workspace).assistants().version(id, number).await?;
            found.ok_or(ApiError::NotFound("version"))?.settings
        }
    };
    let permitted = Permitted::of(&state.engine.models, &mut tx, workspace).await?;
    Ok(permitted.check(&settings)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_word_or_a_number_from_one() {
        assert_eq!(version("draft"), Some(PreviewVersion::Draft));
        assert_eq!(version("published"), Some(PreviewVersion::Published));
        assert_eq!(version("12"), Some(PreviewVersion::Number(12)));
        for bad in ["", "0", "-1", "+1", "1.0", "Draft", "99999999999999999999"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }
}
