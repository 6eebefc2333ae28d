//! The assistant that answers.

pub mod create;
mod handoff;
mod hours;
pub mod pause;
pub mod preview;
pub mod publish;
pub mod rollback;
pub mod search;
pub mod sla;
pub mod stats;
pub mod templates;
pub mod update;
pub mod versions;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_assistants::assistants;
use replyx_core::{
    assistant::{Assistant, AssistantSettings, Gate, Language, Unsure, Unverified},
    ids::AssistantId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{AssistantsRead, AssistantsWrite, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
    tagged::{Edition, Tagged},
};
use handoff::{HandoffView, TextsView};
use hours::HoursView;

/// The questions on which a new version must not be worse.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Gate)]
pub struct GateView {
    /// The question set.
    #[garde(skip)]
    question_set_id: Uuid,
    /// How far a measure may fall below that of the published version, 0 to 1.
    #[garde(range(min = 0.0, max = 1.0))]
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.02)]
    tolerance: f64,
}

impl GateView {
    fn of(gate: &Gate) -> Self {
        Self { question_set_id: gate.set_id.into_uuid(), tolerance: gate.tolerance }
    }

    fn into_gate(self) -> Gate {
        Gate { set_id: self.question_set_id.into(), tolerance: self.tolerance }
    }
}

/// An assistant, as clients see one: its draft. Customers meet the version that is `published`.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssistantView {
    id: Uuid,
    #[schema(example = "Support")]
    name: String,
    /// `extractive`, `provider:model`, or a model of OpenAI or Anthropic; `null` follows the
    /// installation's default.
    #[schema(example = "extractive")]
    model: Option<String>,
    #[schema(example = "You work for Green Lantern Shop. Be short and friendly.")]
    system_prompt: String,
    #[schema(example = 0.3)]
    temperature: f64,
    /// The language of the fixed texts: `en` or `ru`.
    #[schema(example = "en")]
    language: Language,
    /// Sent in reply to `/start`.
    #[schema(example = "Hello! What would you like to know?")]
    greeting: String,
    /// Sent when the documents do not contain the answer.
    #[schema(example = "I do not know that. A colleague will answer.")]
    unknown_text: String,
    /// Sent when no model could be reached.
    #[schema(example = "I cannot answer at the moment. Please try again later.")]
    fallback_text: String,
    /// Asked in this order when the model fails.
    #[schema(example = json!(["extractive"]))]
    fallback_models: Vec<String>,
    /// The assistant's time zone: an IANA name.
    #[schema(example = "Europe/Helsinki")]
    time_zone: String,
    /// Whether the facts of an answer must be in its sources.
    check_answers: bool,
    /// What happens to an answer that fails the check twice: `unknown` or `handoff`.
    #[schema(example = "unknown")]
    unverified: Unverified,
    /// What happens to a quotation of which `extractive` is not sure: `decline` or `quote`.
    #[schema(example = "decline")]
    unsure: Unsure,
    /// Sent when the dialog is handed over to a human.
    #[schema(example = "I would rather have a colleague answer this.")]
    handoff_text: String,
    /// For how many hours after a dialog was closed the customer's next words reopen it; later
    /// words begin a new one.
    #[schema(example = 24)]
    reopen_hours: i64,
    /// For how many minutes after the fallback text the customer still gets the answer, once a
    /// model is back; 0: never.
    #[schema(example = 10)]
    late_answer_minutes: i64,
    /// The assistant finds only documents with one of these tags, and the answers that people wrote
    /// for it; empty: everything.
    #[schema(example = json!([]))]
    tags: Vec<String>,
    /// When the dialog is handed over to a human.
    handoff: HandoffView,
    /// Fixed texts in the languages of customers, by language (`en`, `ru`) and occasion. What is
    /// left out is the product's own text.
    #[schema(
        value_type = HashMap<String, HashMap<String, String>>,
        example = json!({"en": {"thanks": "You're welcome!"}}),
    )]
    texts: TextsView,
    /// When people answer, by the clock of `time_zone`; `null`: always.
    hours: Option<HoursView>,
    /// The condition for publishing a version.
    gate: Option<GateView>,
    /// The number of the published version that answers customers.
    #[schema(example = 2)]
    published: i64,
    /// Grows with every change of the draft; also in the `ETag`.
    #[schema(example = 3)]
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Assistant> for AssistantView {
    fn from(assistant: Assistant) -> Self {
        let settings = assistant.settings;

        Self {
            id: assistant.id.into_uuid(),
            greeting: settings.greeting().to_owned(),
            unknown_text: settings.unknown_text().to_owned(),
            fallback_text: settings.fallback_text().to_owned(),
            handoff_text: settings.handoff_text().to_owned(),
            handoff: HandoffView::of(&settings.handoff, settings.unverified),
            texts: handoff::texts(&settings),
            hours: settings.hours.as_ref().map(HoursView::of),
            name: settings.name,
            model: settings.model,
            system_prompt: settings.system_prompt,
            temperature: settings.temperature,
            language: settings.language,
            fallback_models: settings.fallback_models,
            time_zone: settings.time_zone,
            check_answers: settings.check_answers,
            unverified: settings.unverified,
            unsure: settings.unsure,
            tags: settings.tags,
            reopen_hours: settings.reopen_hours,
            late_answer_minutes: settings.late_answer_minutes,
            gate: assistant.gate.as_ref().map(GateView::of),
            published: assistant.published,
            version: assistant.version,
            created_at: assistant.created_at,
            updated_at: assistant.updated_at,
        }
    }
}

/// An assistant with its `ETag`. Its editions are the versions of its draft.
fn tagged(assistant: Assistant) -> Tagged<AssistantView> {
    Tagged::new(Edition::number(assistant.version), assistant.into())
}

/// A time zone by its IANA name.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(crate) fn known_zone(name: &str, (): &()) -> garde::Result {
    if replyx_engine::prompt::is_time_zone(name) {
        Ok(())
    } else {
        Err(garde::Error::new("must be an IANA time zone such as `Europe/Helsinki`"))
    }
}

/// Names of models.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
#[expect(clippy::ptr_arg, reason = "the form that garde asks for")]
pub(crate) fn known_models(names: &Vec<String>, (): &()) -> garde::Result {
    if names.len() > AssistantSettings::FALLBACK_MODELS {
        return Err(garde::Error::new(format!(
            "must be at most {}",
            AssistantSettings::FALLBACK_MODELS
        )));
    }
    if names.iter().any(|name| name.trim().is_empty() || name.chars().count() > 100) {
        return Err(garde::Error::new("each must have 1 to 100 characters"));
    }
    Ok(())
}

/// Lists the assistants, oldest first.
#[utoipa::path(
    get, path = "/assistants", operation_id = "list_assistants", tag = "assistants",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of assistants", body = List<AssistantView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<AssistantView>> {
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).assistants().list(query.request()?).await?;
    Ok(List::of(page, AssistantView::from))
}

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
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
) -> ApiResult<Tagged<AssistantView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).assistants().find(id).await?;
    found.map(tagged).ok_or(ApiError::NotFound("assistant"))
}

/// Deletes an assistant with its documents. Delete its bots first.
#[utoipa::path(
    delete, path = "/assistants/{id}", operation_id = "delete_assistant", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`assistant_in_use`: it still has channels", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.delete", skip_all, fields(assistant.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
) -> ApiResult<StatusCode> {
    assistants::delete(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
