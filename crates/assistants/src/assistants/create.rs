//! A new assistant, which answers customers as it is made.

use replyx_core::{
    actor::Caller,
    assistant::{
        Assistant, AssistantSettings, HandOffPolicy, Language, OpeningHours, Texts, Unsure,
        Unverified, Version,
    },
    change::New,
    knowledge::tags,
};
use replyx_storage::{StorageError, repeated};
use thiserror::Error;

use crate::{Cx, Unacceptable, permitted::Permitted, templates};

/// A new assistant. What is left out is its template's, or has a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewAssistant {
    /// Its display name.
    pub name: String,
    /// The id of a template.
    pub template: Option<String>,
    /// The chat model; the installation's default unless given.
    pub model: Option<String>,
    /// Instructions to the model.
    pub system_prompt: Option<String>,
    /// Randomness of the model, 0 to 2.
    pub temperature: Option<f64>,
    /// The language of the fixed texts.
    pub language: Option<Language>,
    /// Sent in reply to `/start`.
    pub greeting: Option<String>,
    /// Sent when the documents do not contain the answer.
    pub unknown_text: Option<String>,
    /// Sent when no model could be reached.
    pub fallback_text: Option<String>,
    /// The models asked in this order when the first one fails.
    pub fallback_models: Vec<String>,
    /// The IANA name of its time zone.
    pub time_zone: Option<String>,
    /// Whether the facts of an answer must stand in its sources.
    pub check_answers: Option<bool>,
    /// What happens to an answer that fails the check twice.
    pub unverified: Option<Unverified>,
    /// What happens to a quotation of which the model is not sure.
    pub unsure: Option<Unsure>,
    /// Sent when the dialog is handed over to a human.
    pub handoff_text: Option<String>,
    /// For how long the customer's next words reopen a closed dialog, hours.
    pub reopen_hours: Option<i64>,
    /// For how long after the fallback text an answer may come late, minutes.
    pub late_answer_minutes: Option<i64>,
    /// Only documents with one of these tags are found; empty: all.
    pub tags: Vec<String>,
    /// When the dialog is handed over to a human.
    pub handoff: HandOffPolicy,
    /// Fixed texts in the languages of customers.
    pub texts: Texts,
    /// When people answer.
    pub hours: Option<OpeningHours>,
}

impl NewAssistant {
    fn into_settings(self) -> Result<AssistantSettings, Unacceptable> {
        let unknown = || Unacceptable::new("template", "is not the id of a template");
        let template = match &self.template {
            Some(id) => Some(templates::find(id).ok_or_else(unknown)?),
            None => None,
        };

        let language = self.language.or(template.map(|template| template.language));
        let mut settings = AssistantSettings::new(self.name, language.unwrap_or(Language::English));
        if let Some(template) = template {
            template.system_prompt.clone_into(&mut settings.system_prompt);
            settings.temperature = template.temperature;
            settings.greeting = Some(template.greeting.to_owned());
            settings.unknown_text = Some(template.unknown_text.to_owned());
        }

        Ok(AssistantSettings {
            model: self.model.map(|name| name.trim().to_owned()),
            system_prompt: self.system_prompt.unwrap_or(settings.system_prompt),
            temperature: self.temperature.unwrap_or(settings.temperature),
            greeting: self.greeting.or(settings.greeting),
            unknown_text: self.unknown_text.or(settings.unknown_text),
            fallback_text: self.fallback_text,
            fallback_models: trimmed(self.fallback_models),
            time_zone: self.time_zone.unwrap_or(settings.time_zone),
            check_answers: self.check_answers.unwrap_or(settings.check_answers),
            unverified: self.unverified.unwrap_or(settings.unverified),
            unsure: self.unsure.unwrap_or(settings.unsure),
            handoff_text: self.handoff_text,
            reopen_hours: self.reopen_hours.unwrap_or(settings.reopen_hours),
            late_answer_minutes: self.late_answer_minutes.unwrap_or(settings.late_answer_minutes),
            tags: tags(&self.tags),
            handoff: self.handoff,
            texts: self.texts,
            hours: self.hours,
            name: settings.name,
            language: settings.language,
        })
    }
}

/// Names without the spaces around them.
pub(super) fn trimmed(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| name.trim().to_owned()).collect()
}

/// An assistant could not be created.
#[derive(Debug, Error)]
pub enum CreateError {
    /// A value cannot be accepted.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// The database failed.
    #[error("the assistant could not be created")]
    Storage(#[from] StorageError),
}

/// Creates an assistant with its first published version.
///
/// # Errors
///
/// [`CreateError::Unacceptable`] for a template that is not there and for a model that may not be
/// used.
pub async fn create(
    cx: Cx<'_>,
    caller: &Caller,
    new: NewAssistant,
) -> Result<Assistant, CreateError> {
    let settings = new.into_settings()?;
    repeated(|| create_once(cx, caller, &settings)).await
}

async fn create_once(
    cx: Cx<'_>,
    caller: &Caller,
    settings: &AssistantSettings,
) -> Result<Assistant, CreateError> {
    let now = cx.clock.now();
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    Permitted::of(cx.models, &mut tx, workspace).await?.check(settings)?;

    let assistant = Assistant {
        id: cx.clock.id(),
        workspace_id: workspace,
        settings: settings.clone(),
        version: 1,
        published: 1,
        gate: None,
        created_at: now,
        updated_at: now,
    };
    let New(assistant) = tx.apply(assistant.create(&caller.actor())).await?;

    let version = Version {
        number: 1,
        settings: settings.clone(),
        note: String::new(),
        run_id: None,
        created_by: caller.name(),
        created_at: now,
    };
    tx.apply(assistant.publish_first(version)).await?;
    tx.commit().await?;
    Ok(assistant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins_over_the_template_and_the_template_over_the_default() {
        let new = NewAssistant {
            name: "Support".to_owned(),
            template: Some("support.ru".to_owned()),
            model: Some(" extractive ".to_owned()),
            greeting: Some("Hi".to_owned()),
            fallback_models: vec![" a".to_owned()],
            ..NewAssistant::default()
        };
        let template = templates::find("support.ru").unwrap();
        let settings = new.into_settings().unwrap();

        assert_eq!(settings.language, Language::Russian);
        assert_eq!(settings.system_prompt, template.system_prompt);
        assert_eq!(settings.unknown_text.as_deref(), Some(template.unknown_text));
        assert_eq!(settings.greeting.as_deref(), Some("Hi"));
        assert_eq!(settings.model.as_deref(), Some("extractive"));
        assert_eq!(settings.fallback_models, ["a"]);
        assert_eq!(settings.time_zone, AssistantSettings::TIME_ZONE);
        assert!(settings.check_answers);
    }

    #[test]
    fn a_template_that_is_not_there_is_refused() {
        let new = NewAssistant { template: Some("x".to_owned()), ..NewAssistant::default() };
        assert_eq!(new.into_settings().unwrap_err().field, "template");
    }
}
