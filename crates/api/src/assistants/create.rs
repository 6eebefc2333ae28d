//! `POST /api/v1/assistants`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_assistants::assistants::{self, NewAssistant};
use replyx_core::{
    assistant::{Language, Unsure, Unverified},
    knowledge::Document,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AssistantView,
    handoff::{HandoffView, TextsView, into_texts, known_texts},
    hours::HoursView,
    known_models, known_zone, tagged,
};
use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::Body,
    location::Location,
    state::AppState,
    tagged::Tagged,
};

/// A new assistant. Omitted fields have defaults.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateAssistant)]
pub struct Request {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Support", min_length = 1, max_length = 100)]
    name: String,
    /// One of `GET /api/v1/models`: `extractive`, `provider:model`, or a model of OpenAI or
    /// Anthropic.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "extractive")]
    model: Option<String>,
    /// The id of a template: what is left out is taken from it.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "support.en")]
    template: Option<String>,
    /// Instructions to the model.
    #[garde(length(chars, max = 20_000))]
    #[schema(
        max_length = 20_000,
        example = "You work for Green Lantern Shop. Be short and friendly."
    )]
    system_prompt: Option<String>,
    /// Randomness of the model, 0 to 2; 0.2 unless set.
    #[garde(range(min = 0.0, max = 2.0))]
    #[schema(minimum = 0.0, maximum = 2.0, example = 0.3)]
    temperature: Option<f64>,
    /// The language of the fixed texts: `en` or `ru`; English unless set.
    #[garde(skip)]
    #[schema(example = "en")]
    language: Option<Language>,
    /// Sent in reply to `/start`.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(min_length = 1, max_length = 4_000, example = "Hello! What would you like to know?")]
    greeting: Option<String>,
    /// Sent when the documents do not contain the answer.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "I do not know that. A colleague will answer."
    )]
    unknown_text: Option<String>,
    /// Sent when no model could be reached.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "I cannot answer at the moment. Please try again later."
    )]
    fallback_text: Option<String>,
    /// Asked in this order when the model fails; at most 5.
    #[serde(default)]
    #[garde(custom(known_models))]
    #[schema(max_items = 5, example = json!(["extractive"]))]
    fallback_models: Vec<String>,
    /// The assistant's time zone: an IANA name; `UTC` by default.
    #[garde(inner(custom(known_zone)))]
    #[schema(max_length = 64, example = "Europe/Helsinki")]
    time_zone: Option<String>,
    /// Whether the facts of an answer must be in its sources; `true` by default.
    #[garde(skip)]
    check_answers: Option<bool>,
    /// What happens to an answer that fails the check twice: `unknown` (unless set) or `handoff`.
    #[garde(skip)]
    #[schema(example = "unknown")]
    unverified: Option<Unverified>,
    /// What happens to a quotation of which `extractive` is not sure: `decline` (unless set) tells
    /// the customer that the documents do not say it, `quote` says that it may help and offers a
    /// human.
    #[garde(skip)]
    #[schema(example = "decline")]
    unsure: Option<Unsure>,
    /// Sent when the dialog is handed over to a human.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(min_length = 1, max_length = 4_000, example = "A colleague will answer this.")]
    handoff_text: Option<String>,
    /// For how many hours after a dialog was closed the customer's next words reopen it; later
    /// words begin a new one. 24 by default.
    #[garde(range(min = 0, max = 8_760))]
    #[schema(minimum = 0, maximum = 8_760, example = 24)]
    reopen_hours: Option<i64>,
    /// For how many minutes after the fallback text the customer still gets the answer, once a
    /// model is back; 0: never. 10 by default.
    #[garde(range(min = 0, max = 1_440))]
    #[schema(minimum = 0, maximum = 1_440, example = 10)]
    late_answer_minutes: Option<i64>,
    /// The assistant finds only documents with one of these tags, and the answers that people wrote
    /// for it; empty: everything.
    #[serde(default)]
    #[garde(length(max = Document::TAGS), inner(length(chars, min = 1, max = Document::TAG)))]
    #[schema(max_items = 20, example = json!([]))]
    tags: Vec<String>,
    /// When the dialog is handed over to a human; only when asked for unless set.
    #[garde(dive)]
    handoff: Option<HandoffView>,
    /// Fixed texts in the languages of customers, by language (`en`, `ru`) and occasion. What is
    /// left out is the product's own text.
    #[serde(default)]
    #[garde(custom(known_texts))]
    #[schema(
        value_type = HashMap<String, HashMap<String, String>>,
        example = json!({"en": {"thanks": "You're welcome!"}}),
    )]
    texts: TextsView,
    /// When people answer, by the clock of `time_zone`; always unless set.
    #[garde(dive)]
    hours: Option<HoursView>,
}

impl From<Request> for NewAssistant {
    fn from(request: Request) -> Self {
        let unverified = request.handoff.as_ref().and_then(HandoffView::unverified);

        Self {
            name: request.name,
            template: request.template,
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
            handoff: request.handoff.map(HandoffView::into_policy).unwrap_or_default(),
            texts: into_texts(request.texts),
            hours: request.hours.map(HoursView::into_hours),
        }
    }
}

/// Creates an assistant. Its settings are published as the first version.
#[utoipa::path(
    post, path = "/assistants", operation_id = "create_assistant", tag = "assistants",
    request_body = Request,
    responses(
        (status = 201, description = "the assistant", body = AssistantView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Tagged<AssistantView>)> {
    let assistant = assistants::create(state.assistants(), &caller, request.into()).await?;
    let location = Location(format!("/api/v1/assistants/{}", assistant.id));
    Ok((StatusCode::CREATED, location, tagged(assistant)))
}
