//! `GET /api/v1/assistants/{id}/versions`

use axum::extract::State;
use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{AssistantSettings, Language, Unsure, Unverified, Version},
    ids::AssistantId,
    page::PageRequest,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    handoff::{self, HandoffView, TextsView},
    hours::HoursView,
};
use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// A published, immutable version of an assistant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssistantVersion)]
pub struct VersionView {
    /// From 1 without gaps.
    #[schema(example = 2)]
    number: i64,
    /// Whether it is the version that answers customers.
    published: bool,
    /// The publisher's note.
    #[schema(example = "Prices of the new season")]
    note: String,
    /// The evaluation run that passed the gate.
    run_id: Option<Uuid>,
    /// Who published it.
    #[schema(example = "owner@example.org")]
    created_by: String,
    created_at: DateTime<Utc>,
    settings: VersionSettings,
}

/// How a version answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionSettings {
    #[schema(example = "Support")]
    name: String,
    #[schema(example = "extractive")]
    model: Option<String>,
    fallback_models: Vec<String>,
    #[schema(example = "You work for Green Lantern Shop. Be short and friendly.")]
    system_prompt: String,
    #[schema(example = 0.3)]
    temperature: f64,
    #[schema(example = "en")]
    language: Language,
    #[schema(example = "Europe/Helsinki")]
    time_zone: String,
    check_answers: bool,
    #[schema(example = "unknown")]
    unverified: Unverified,
    #[schema(example = "decline")]
    unsure: Unsure,
    #[schema(example = "Hello! What would you like to know?")]
    greeting: String,
    #[schema(example = "I don't know. A colleague will get back to you.")]
    unknown_text: String,
    #[schema(example = "I cannot answer at the moment. Please try again later.")]
    fallback_text: String,
    #[schema(example = "A colleague will answer this.")]
    handoff_text: String,
    #[schema(example = 24)]
    reopen_hours: i64,
    #[schema(example = 10)]
    late_answer_minutes: i64,
    #[schema(example = json!([]))]
    tags: Vec<String>,
    handoff: HandoffView,
    #[schema(value_type = HashMap<String, HashMap<String, String>>)]
    texts: TextsView,
    hours: Option<HoursView>,
}

impl From<AssistantSettings> for VersionSettings {
    fn from(settings: AssistantSettings) -> Self {
        Self {
            greeting: settings.greeting().to_owned(),
            unknown_text: settings.unknown_text().to_owned(),
            fallback_text: settings.fallback_text().to_owned(),
            handoff_text: settings.handoff_text().to_owned(),
            handoff: HandoffView::of(&settings.handoff, settings.unverified),
            texts: handoff::texts(&settings),
            hours: settings.hours.as_ref().map(HoursView::of),
            name: settings.name,
            model: settings.model,
            fallback_models: settings.fallback_models,
            system_prompt: settings.system_prompt,
            temperature: settings.temperature,
            language: settings.language,
            time_zone: settings.time_zone,
            check_answers: settings.check_answers,
            unverified: settings.unverified,
            unsure: settings.unsure,
            tags: settings.tags,
            reopen_hours: settings.reopen_hours,
            late_answer_minutes: settings.late_answer_minutes,
        }
    }
}

impl VersionView {
    pub(super) fn of(version: Version, published: i64) -> Self {
        Self {
            number: version.number,
            published: version.number == published,
            note: version.note,
            run_id: version.run_id.map(replyx_core::ids::RunId::into_uuid),
            created_by: version.created_by,
            created_at: version.created_at,
            settings: version.settings.into(),
        }
    }
}

/// Lists the published versions of an assistant, newest first.
#[utoipa::path(
    get, path = "/assistants/{id}/versions", operation_id = "list_assistant_versions", tag = "assistants",
    params(("id" = Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "a page of versions", body = List<VersionView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.versions", skip_all, fields(assistant.id = %id))]
pub async fn versions(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<VersionView>> {
    let page: PageRequest<i64> = query.request()?;
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let found = tx.workspace(workspace).assistants().find(id).await?;
    let published = found.ok_or(ApiError::NotFound("assistant"))?.published;
    let assistants = tx.workspace(workspace).assistants();
    let mut found = assistants.versions(id, page.after, page.limit + 1).await?;
    let more = found.len() > page.limit as usize;
    found.truncate(page.limit as usize);
    let next = found.last().filter(|_| more).map(|version| version.number.to_string());
    let items = found.into_iter().map(|version| VersionView::of(version, published)).collect();
    Ok(List { items, next_cursor: next })
}
