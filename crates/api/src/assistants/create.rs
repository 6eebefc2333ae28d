//! `POST /api/v1/assistants`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::assistant::{Assistant, Language, Settings};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{AssistantView, Tagged, known_language};
use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
    words::LanguageWord,
};

/// A new assistant. What is left out has a sensible default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateAssistant)]
pub struct Request {
    /// What its owners call it.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Support", min_length = 1, max_length = 100)]
    name: String,
    /// `extractive`, or a name the configured provider knows.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "extractive")]
    model: Option<String>,
    /// Instructions to the model.
    #[serde(default)]
    #[garde(length(chars, max = 20_000))]
    #[schema(
        max_length = 20_000,
        example = "You work for Green Lantern Shop. Be short and friendly."
    )]
    system_prompt: String,
    /// Randomness of the model, 0 to 2.
    #[serde(default = "temperature")]
    #[garde(range(min = 0.0, max = 2.0))]
    #[schema(minimum = 0.0, maximum = 2.0, example = 0.3)]
    temperature: f64,
    /// The language of the fixed texts: `en` or `ru`.
    #[serde(default = "english")]
    #[garde(custom(known_language))]
    #[schema(value_type = LanguageWord, example = "en")]
    language: String,
    /// Said in answer to `/start`.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(min_length = 1, max_length = 4_000, example = "Hello! What would you like to know?")]
    greeting: Option<String>,
    /// Said when the documents do not hold the answer.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "I do not know that. A colleague will answer."
    )]
    unknown_text: Option<String>,
    /// Said when no model could be reached.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "I cannot answer at the moment. Please try again later."
    )]
    fallback_text: Option<String>,
}

const fn temperature() -> f64 {
    Settings::TEMPERATURE
}

fn english() -> String {
    Language::English.as_str().to_owned()
}

/// Makes an assistant.
#[utoipa::path(
    post, path = "/assistants", operation_id = "create_assistant", tag = "assistants",
    security(("bearer" = ["assistants:write"])), request_body = Request,
    responses(
        (status = 201, description = "the assistant", body = AssistantView,
            headers(("ETag" = String, description = "Its version; goes into `If-Match`."))
        ),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.create", skip_all)]
pub async fn create(
    state: State<AppState>,
    caller: May<AssistantsWrite>,
    body: Body<Request>,
) -> ApiResult<(StatusCode, Tagged)> {
    let (State(state), Body(request)) = (state, body);
    let now = state.clock().now();
    let assistant = Assistant {
        id: state.clock().id(),
        workspace_id: caller.workspace_id,
        settings: Settings {
            name: request.name,
            model: request.model,
            system_prompt: request.system_prompt,
            temperature: request.temperature,
            language: request.language.parse().unwrap_or(Language::English),
            greeting: request.greeting,
            unknown_text: request.unknown_text,
            fallback_text: request.fallback_text,
        },
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = state.db().begin().await?;
    tx.workspace(caller.workspace_id).assistants().insert(&assistant).await?;
    let details = json!({"name": assistant.settings.name});
    let act = caller.act(now, "assistant.created", ("assistant", assistant.id), details);
    tx.workspace(caller.workspace_id).audit().append(&act).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Tagged(assistant)))
}
