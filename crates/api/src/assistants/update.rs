//! `PATCH /api/v1/assistants/{id}`

use axum::extract::State;
use garde::Validate;
use replyx_assistants::assistants::{self, DraftChange};
use replyx_core::{
    assistant::{Assistant, Language, Unsure, Unverified},
    ids::AssistantId,
    knowledge::Document,
    patch::Patch,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AssistantView, GateView,
    handoff::{HandoffView, TextsView, into_texts, known_texts},
    hours::HoursView,
    known_models, known_zone, tagged,
};
use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
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
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "extractive")]
    model: Patch<String>,
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
    #[garde(skip)]
    #[schema(example = "en")]
    language: Option<Language>,
    /// Sent in reply to `/start`.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = 4_000)))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "Hello! What would you like to know?")]
    greeting: Patch<String>,
    /// Sent when the documents do not contain the answer.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = 4_000)))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "I do not know that. A colleague will answer.")]
    unknown_text: Patch<String>,
    /// Sent when no model could be reached.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = 4_000)))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "I cannot answer at the moment. Please try again later.")]
    fallback_text: Patch<String>,
    /// Asked in this order when the model fails; at most 5.
    #[garde(inner(custom(known_models)))]
    #[schema(max_items = 5, example = json!(["extractive"]))]
    fallback_models: Option<Vec<String>>,
    /// The assistant's time zone: an IANA name.
    #[garde(inner(custom(known_zone)))]
    #[schema(max_length = 64, example = "Europe/Helsinki")]
    time_zone: Option<String>,
    /// Whether the facts of an answer must be in its sources.
    #[garde(skip)]
    check_answers: Option<bool>,
    /// What happens to an answer that fails the check twice: `unknown` or `handoff`.
    #[garde(skip)]
    #[schema(example = "unknown")]
    unverified: Option<Unverified>,
    /// What happens to a quotation of which `extractive` is not sure: `decline` tells the
    /// customer that the documents do not say it, `quote` says that it may help and offers a human.
    #[garde(skip)]
    #[schema(example = "decline")]
    unsure: Option<Unsure>,
    /// Sent when the dialog is handed over to a human.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = 4_000)))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000, example = "A colleague will answer this.")]
    handoff_text: Patch<String>,
    /// For how many hours after a dialog was closed the customer's next words reopen it; later
    /// words begin a new one.
    #[garde(range(min = 0, max = 8_760))]
    #[schema(minimum = 0, maximum = 8_760, example = 24)]
    reopen_hours: Option<i64>,
    /// For how many minutes after the fallback text the customer still gets the answer, once a
    /// model is back; 0: never.
    #[garde(range(min = 0, max = 1_440))]
    #[schema(minimum = 0, maximum = 1_440, example = 10)]
    late_answer_minutes: Option<i64>,
    /// The assistant finds only documents with one of these tags, and the answers that people wrote
    /// for it; empty: everything.
    #[garde(inner(length(max = Document::TAGS), inner(length(chars, min = 1, max = Document::TAG))))]
    #[schema(max_items = 20, example = json!([]))]
    tags: Option<Vec<String>>,
    /// When the dialog is handed over to a human.
    #[garde(dive)]
    handoff: Option<HandoffView>,
    /// Fixed texts in the languages of customers, by language (`en`, `ru`) and occasion: they
    /// replace those that are there.
    #[garde(inner(custom(known_texts)))]
    #[schema(
        value_type = Option<HashMap<String, HashMap<String, String>>>,
        example = json!({"en": {"thanks": "You're welcome!"}}),
    )]
    texts: Option<TextsView>,
    /// When people answer, by the clock of `time_zone`; `null`: always.
    #[serde(default)]
    #[garde(dive)]
    #[schema(value_type = Option<HoursView>)]
    hours: Patch<HoursView>,
    /// The condition for publishing a version; `null` removes the gate.
    #[serde(default)]
    #[garde(dive)]
    #[schema(value_type = Option<GateView>)]
    gate: Patch<GateView>,
}

impl From<Request> for DraftChange {
    fn from(request: Request) -> Self {
        let unverified = request.handoff.as_ref().and_then(HandoffView::unverified);

        Self {
            name: request.name,
            model: request.model,
            system_prompt: request.system_prompt,
            temperature: request.temperature,
            language: request.language,
            greeting: request.greeting,
            unknown_text: request.unknown_text,
            fallback_text: request.fallback_text,
            fallback_models: request.fallback_models,
            time_zone: request.time_zone,
            check_answers: request.check_answers,
            unverified: unverified.or(request.unverified),
            unsure: request.unsure,
            handoff_text: request.handoff_text,
            tags: request.tags,
            reopen_hours: request.reopen_hours,
            late_answer_minutes: request.late_answer_minutes,
            handoff: request.handoff.map(HandoffView::into_policy),
            texts: request.texts.map(into_texts),
            hours: request.hours.map(HoursView::into_hours),
            gate: request.gate.map(GateView::into_gate),
        }
    }
}

/// Changes the draft of an assistant. Customers see the change once it is published.
#[utoipa::path(
    patch, path = "/assistants/{id}", operation_id = "update_assistant", tag = "assistants",
    request_body = Request,
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the assistant as it is now", body = AssistantView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 412, description = "it was changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.update", skip_all, fields(assistant.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<AssistantView>> {
    let is_as_read = |found: &Assistant| expected.check(&Edition::number(found.version)).is_ok();
    let assistant =
        assistants::update(state.assistants(), &caller, id, request.into(), is_as_read).await?;
    Ok(tagged(assistant))
}
