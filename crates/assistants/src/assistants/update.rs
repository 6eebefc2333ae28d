//! Changes of an assistant's draft. Customers meet them once they are published.

use replyx_core::{
    actor::Caller,
    assistant::{
        Assistant, AssistantSettings, Gate, HandOffPolicy, Language, OpeningHours, Texts, Unsure,
        Unverified,
    },
    ids::AssistantId,
    knowledge::tags,
    patch::Patch,
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use super::create::trimmed;
use crate::{Cx, Missing, Unacceptable, permitted::Permitted};

/// What is to change of a draft. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftChange {
    /// Its display name.
    pub name: Option<String>,
    /// The chat model.
    pub model: Patch<String>,
    /// Instructions to the model.
    pub system_prompt: Option<String>,
    /// Randomness of the model, 0 to 2.
    pub temperature: Option<f64>,
    /// The language of the fixed texts.
    pub language: Option<Language>,
    /// Sent in reply to `/start`.
    pub greeting: Patch<String>,
    /// Sent when the documents do not contain the answer.
    pub unknown_text: Patch<String>,
    /// Sent when no model could be reached.
    pub fallback_text: Patch<String>,
    /// The models asked in this order when the first one fails.
    pub fallback_models: Option<Vec<String>>,
    /// The IANA name of its time zone.
    pub time_zone: Option<String>,
    /// Whether the facts of an answer must stand in its sources.
    pub check_answers: Option<bool>,
    /// What happens to an answer that fails the check twice.
    pub unverified: Option<Unverified>,
    /// What happens to a quotation of which the model is not sure.
    pub unsure: Option<Unsure>,
    /// Sent when the dialog is handed over to a human.
    pub handoff_text: Patch<String>,
    /// For how long the customer's next words reopen a closed dialog, hours.
    pub reopen_hours: Option<i64>,
    /// For how long after the fallback text an answer may come late, minutes.
    pub late_answer_minutes: Option<i64>,
    /// Only documents with one of these tags are found; empty: all.
    pub tags: Option<Vec<String>>,
    /// When the dialog is handed over to a human.
    pub handoff: Option<HandOffPolicy>,
    /// Fixed texts in the languages of customers.
    pub texts: Option<Texts>,
    /// When people answer.
    pub hours: Patch<OpeningHours>,
    /// The condition for publishing a version.
    pub gate: Patch<Gate>,
}

impl DraftChange {
    fn apply(self, settings: &mut AssistantSettings) {
        set(&mut settings.name, self.name);
        set(&mut settings.system_prompt, self.system_prompt);
        set(&mut settings.temperature, self.temperature);
        set(&mut settings.language, self.language);
        set(&mut settings.fallback_models, self.fallback_models.map(trimmed));
        set(&mut settings.time_zone, self.time_zone);
        set(&mut settings.check_answers, self.check_answers);
        set(&mut settings.unverified, self.unverified);
        set(&mut settings.unsure, self.unsure);
        set(&mut settings.reopen_hours, self.reopen_hours);
        set(&mut settings.tags, self.tags.as_deref().map(tags));
        set(&mut settings.late_answer_minutes, self.late_answer_minutes);
        set(&mut settings.handoff, self.handoff);
        set(&mut settings.texts, self.texts);

        self.model.map(|name| name.trim().to_owned()).apply(&mut settings.model);
        self.greeting.apply(&mut settings.greeting);
        self.unknown_text.apply(&mut settings.unknown_text);
        self.fallback_text.apply(&mut settings.fallback_text);
        self.handoff_text.apply(&mut settings.handoff_text);
        self.hours.apply(&mut settings.hours);
    }
}

fn set<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

/// A draft could not be changed.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// There is no such assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It is no longer what the caller has read.
    #[error("the draft has been changed since it was read")]
    Changed,
    /// A value cannot be accepted.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// The database failed.
    #[error("the draft could not be changed")]
    Storage(#[from] StorageError),
}

/// Changes the draft of an assistant, unless `is_as_read` says that it is no longer what the caller
/// has read.
///
/// # Errors
///
/// [`UpdateError::Unacceptable`] for a model that may not be used, and for a gate whose questions
/// are not the assistant's.
pub async fn update(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    change: DraftChange,
    is_as_read: impl Fn(&Assistant) -> bool,
) -> Result<Assistant, UpdateError> {
    repeated(|| update_once(cx, caller, id, change.clone(), &is_as_read)).await
}

async fn update_once(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    mut change: DraftChange,
    is_as_read: &impl Fn(&Assistant) -> bool,
) -> Result<Assistant, UpdateError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    let found = tx.workspace(workspace).assistants().lock(id).await?;
    let assistant = found.ok_or(Missing("assistant"))?;
    if !is_as_read(&assistant) {
        return Err(UpdateError::Changed);
    }

    let new_gate = std::mem::take(&mut change.gate);
    if let Patch::Set(gate) = &new_gate {
        check_gate(&mut tx, &assistant, gate).await?;
    }
    let mut gate = assistant.gate.clone();
    new_gate.apply(&mut gate);

    let permitted = Permitted::of(cx.models, &mut tx, workspace).await?;
    let new_model = change.model.changes();
    let new_fallbacks = change.fallback_models.is_some();
    let mut settings = assistant.settings.clone();
    change.apply(&mut settings);
    // What was allowed once may be kept in a draft, and not be published.
    if new_model {
        permitted.check_model(settings.model.as_deref())?;
    }
    if new_fallbacks {
        permitted.check_fallbacks(&settings.fallback_models)?;
    }

    let change = assistant.update(settings, gate, &caller.actor(), cx.clock.now());
    let assistant = tx.apply(change).await?;
    tx.commit().await?;
    Ok(assistant)
}

/// Refuses a gate whose questions are not the assistant's.
async fn check_gate(tx: &mut Tx, assistant: &Assistant, gate: &Gate) -> Result<(), UpdateError> {
    let sets = tx.workspace(assistant.workspace_id).question_sets();
    let set = sets.find(gate.set_id).await?;
    if set.is_some_and(|set| set.assistant_id == assistant.id) {
        return Ok(());
    }
    let message = "is not a question set of this assistant";
    Err(Unacceptable::new("gate.question_set_id", message).into())
}
