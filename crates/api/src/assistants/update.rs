//! `PATCH /api/v1/assistants/{id}`

#![allow(clippy::option_option, reason = "a patch tells `null` from an absent field")]

use axum::extract::State;
use garde::Validate;
use replyx_core::{assistant::AssistantSettings, ids::AssistantId};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    AssistantView, GateView, known_language, known_models, known_policy, known_zone, tagged,
    trimmed,
};
use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    models::Permitted,
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
    words::{LanguageWord, UnverifiedWord},
};

/// The fields to change. Absent fields stay as they are; `null` restores the default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateAssistant)]
pub struct Request {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "Support")]
    name: Option<String>,
    /// One of `GET /api/v1/models`: `extractive`, `provider:model`, or a model of OpenAI or
    /// Anthropic.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(chars, min = 1, max = 100))))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "extractive")]
    model: Option<Option<String>>,
    /// Instructions to the model.
    #[garde(length(chars, max = 20_000))]
    #[schema(
        max_length = 20_000,
        example = "You work for Green Lantern Shop. Be short and friendly."
    )]
    system_prompt: Option<String>,
    /// Randomness of the model, 0 to 2.
    #[garde(range(min = 0.0, max = 2.0))]
    #[schema(minimum = 0.0, maximum = 2.0, example = 0.3)]
    temperature: Option<f64>,
    /// The language of the fixed texts: `en` or `ru`.
    #[garde(inner(custom(known_language)))]
    #[schema(value_type = Option<LanguageWord>, example = "en")]
    language: Option<String>,
    /// Sent in reply to `/start`.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(chars, min = 1, max = 4_000))))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "Hello! What would you like to know?")]
    greeting: Option<Option<String>>,
    /// Sent when the documents do not contain the answer.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(chars, min = 1, max = 4_000))))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "I do not know that. A colleague will answer.")]
    unknown_text: Option<Option<String>>,
    /// Sent when no model could be reached.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(chars, min = 1, max = 4_000))))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "I cannot answer at the moment. Please try again later.")]
    fallback_text: Option<Option<String>>,
    /// Asked in this order when the model fails; at most 5.
    #[garde(inner(custom(known_models)))]
    #[schema(max_items = 5, example = json!(["extractive"]))]
    fallback_models: Option<Vec<String>>,
    /// The time zone in which it tells the time: an IANA name.
    #[garde(inner(custom(known_zone)))]
    #[schema(max_length = 64, example = "Europe/Helsinki")]
    time_zone: Option<String>,
    /// Whether the facts of an answer must be in its sources.
    #[garde(skip)]
    check_answers: Option<bool>,
    /// What happens to an answer that fails the check twice: `unknown` or `handoff`.
    #[garde(inner(custom(known_policy)))]
    #[schema(value_type = Option<UnverifiedWord>, example = "unknown")]
    unverified: Option<String>,
    /// Sent when the dialog is handed over to a human.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(chars, min = 1, max = 4_000))))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "A colleague will answer this.")]
    handoff_text: Option<Option<String>>,
    /// The condition for publishing a version; `null` removes the gate.
    #[serde(default, deserialize_with = "given")]
    #[garde(dive)]
    #[schema(value_type = Option<GateView>)]
    gate: Option<Option<GateView>>,
}

/// Tells `null` from an absent field.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl Request {
    fn apply(self, settings: &mut AssistantSettings) {
        settings.name = self.name.unwrap_or_else(|| std::mem::take(&mut settings.name));
        settings.temperature = self.temperature.unwrap_or(settings.temperature);

        if let Some(system_prompt) = self.system_prompt {
            settings.system_prompt = system_prompt;
        }
        if let Some(Ok(language)) = self.language.map(|code| code.parse()) {
            settings.language = language;
        }
        if let Some(fallback_models) = self.fallback_models {
            settings.fallback_models = trimmed(fallback_models);
        }
        if let Some(time_zone) = self.time_zone {
            settings.time_zone = time_zone;
        }

        settings.check_answers = self.check_answers.unwrap_or(settings.check_answers);

        if let Some(Ok(policy)) = self.unverified.map(|word| word.parse()) {
            settings.unverified = policy;
        }

        for (given, field) in [
            (self.model.map(|name| name.map(|name| name.trim().to_owned())), &mut settings.model),
            (self.greeting, &mut settings.greeting),
            (self.unknown_text, &mut settings.unknown_text),
            (self.fallback_text, &mut settings.fallback_text),
            (self.handoff_text, &mut settings.handoff_text),
        ] {
            if let Some(value) = given {
                *field = value;
            }
        }
    }
}

/// Changes the draft of an assistant. Customers see the change once it is published.
#[utoipa::path(
    patch, path = "/assistants/{id}", operation_id = "update_assistant", tag = "assistants",
    security(("bearer" = ["assistants:write"])), request_body = Request,
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the assistant as it is now", body = AssistantView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 412, description = "somebody else has changed it", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.update", skip_all, fields(assistant.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: May<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<AssistantView>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).assistants().lock(id).await?;
    let mut assistant = found.ok_or(ApiError::NotFound("assistant"))?;
    expected.check(&Edition::number(assistant.version))?;
    if let Some(gate) = &request.gate {
        let gate = gate.clone().map(GateView::into_gate);
        if let Some(gate) = &gate {
            let set = tx.workspace(workspace).question_sets().find(gate.set_id).await?;
            if set.is_none_or(|set| set.assistant_id != id) {
                let detail = "is not a question set of this assistant";
                return Err(ApiError::field("gate.question_set_id", detail));
            }
        }
        assistant.gate = gate;
    }
    let permitted = Permitted::of(&state, &mut tx, workspace).await?;
    let new_model = request.model.is_some();
    let new_fallbacks = request.fallback_models.is_some();
    request.apply(&mut assistant.settings);
    // What was allowed once may be kept in a draft, and not be published.
    if new_model {
        permitted.check_model(assistant.settings.model.as_deref())?;
    }
    if new_fallbacks {
        permitted.check_fallbacks(&assistant.settings.fallback_models)?;
    }
    assistant.version += 1;
    assistant.updated_at = state.clock().now();
    if !tx.workspace(workspace).assistants().update(&assistant).await? {
        return Err(ApiError::PreconditionFailed);
    }
    let details = json!({"name": assistant.settings.name, "version": assistant.version});
    let act = caller.act(assistant.updated_at, "assistant.updated", ("assistant", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(tagged(assistant))
}
