//! What happens to assistants and their question sets.

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use crate::{
    act::{
        Actor, AssistantCreated, AssistantDeleted, AssistantPaused, AssistantPublished,
        AssistantResumed, AssistantRolledBack, AssistantUpdated, QuestionSetCreated,
        QuestionSetDeleted, QuestionSetUpdated,
    },
    assistant::{Assistant, AssistantSettings, Gate, Pause, Version},
    change::{Change, Deleted, New},
    evaluation::{Question, QuestionSet},
    event::Event,
    ids::{AssistantId, WorkspaceId},
};

/// A new version, which answers customers from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The workspace of the assistant.
    pub workspace_id: WorkspaceId,
    /// Whose version it is.
    pub assistant_id: AssistantId,
    /// The version.
    pub version: Version,
}

/// An earlier (or later) version, which answers customers from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// The workspace of the assistant.
    pub workspace_id: WorkspaceId,
    /// Whose version it is.
    pub assistant_id: AssistantId,
    /// The number of the version.
    pub number: i64,
}

/// This version answers customers already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("version {0} answers customers already")]
pub struct AnswersAlready(pub i64);

/// A set with its questions; without them, they stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionSetContent<'q> {
    /// The set.
    pub set: QuestionSet,
    /// Its questions.
    pub questions: Option<&'q [Question]>,
}

impl Assistant {
    /// Adds the assistant. Its first version is published with [`Self::publish_first`].
    pub fn create(self, by: &Actor) -> Change<New<Self>> {
        let act = AssistantCreated { assistant: self.id, name: self.settings.name.clone() };
        let at = self.created_at;
        Change::of(self.workspace_id, New(self)).done_by(by, &act, at)
    }

    /// Publishes the first version of a new assistant.
    pub fn publish_first(&self, version: Version) -> Change<Publication> {
        self.publication(version)
    }

    /// Publishes a version: it answers customers from now on.
    pub fn publish(&self, version: Version, by: &Actor) -> Change<Publication> {
        let act = AssistantPublished {
            assistant: self.id,
            name: version.settings.name.clone(),
            number: version.number,
        };
        let at = version.created_at;
        self.publication(version).done_by(by, &act, at)
    }

    /// Lets another version answer customers again.
    ///
    /// # Errors
    ///
    /// [`AnswersAlready`] when that version does.
    pub fn roll_back(
        &self,
        number: i64,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<RolledBack>, AnswersAlready> {
        if self.published == number {
            return Err(AnswersAlready(number));
        }
        let event = Event::AssistantPublished { assistant_id: self.id, number };
        let act = AssistantRolledBack {
            assistant: self.id,
            name: self.settings.name.clone(),
            from: self.published,
            to: number,
        };
        let state = RolledBack { workspace_id: self.workspace_id, assistant_id: self.id, number };
        Ok(Change::of(self.workspace_id, state).telling(event, now).done_by(by, &act, now))
    }

    /// Has another draft from now on.
    pub fn update(
        mut self,
        settings: AssistantSettings,
        gate: Option<Gate>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<Self> {
        self.settings = settings;
        self.gate = gate;
        self.version += 1;
        self.updated_at = now;

        let act = AssistantUpdated {
            assistant: self.id,
            name: self.settings.name.clone(),
            version: self.version,
        };
        Change::of(self.workspace_id, self).done_by(by, &act, now)
    }

    /// Answers nobody until it is resumed. `before`: it is paused already, and stays so.
    pub fn pause(
        &self,
        before: Option<&Pause>,
        text: Option<String>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<Pause> {
        let pause = Pause {
            workspace_id: self.workspace_id,
            assistant_id: self.id,
            since: before.map_or(now, |before| before.since),
            text,
        };
        let event = Event::AssistantPaused { assistant_id: self.id, paused: true };
        let act = AssistantPaused { assistant: self.id, name: self.settings.name.clone() };
        let change = Change::of(self.workspace_id, pause).done_by(by, &act, now);
        if before.is_some() { change } else { change.telling(event, now) }
    }

    /// Answers customers again.
    pub fn resume(&self, paused: Pause, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Pause>> {
        let event = Event::AssistantPaused { assistant_id: self.id, paused: false };
        let act = AssistantResumed { assistant: self.id, name: self.settings.name.clone() };
        Change::of(self.workspace_id, Deleted(paused)).telling(event, now).done_by(by, &act, now)
    }

    /// Deletes the assistant with what it alone knows.
    pub fn delete(mut self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        self.updated_at = now;
        let act = AssistantDeleted { assistant: self.id, name: self.settings.name.clone() };
        Change::of(self.workspace_id, Deleted(self)).done_by(by, &act, now)
    }

    fn publication(&self, version: Version) -> Change<Publication> {
        let number = version.number;
        let at = version.created_at;
        let event = Event::AssistantPublished { assistant_id: self.id, number };
        let state = Publication { workspace_id: self.workspace_id, assistant_id: self.id, version };
        Change::of(self.workspace_id, state).telling(event, at)
    }
}

impl QuestionSet {
    /// Adds the set with its questions.
    pub fn create<'q>(
        self,
        questions: &'q [Question],
        by: &Actor,
    ) -> Change<New<QuestionSetContent<'q>>> {
        let act = QuestionSetCreated {
            question_set: self.id,
            name: self.name.clone(),
            assistant_id: self.assistant_id,
            size: self.size,
        };
        let at = self.created_at;
        let state = New(QuestionSetContent { set: self, questions: Some(questions) });
        Change::of(state.0.set.workspace_id, state).done_by(by, &act, at)
    }

    /// Has another name or other questions from now on.
    pub fn update<'q>(
        mut self,
        name: Option<&str>,
        questions: Option<&'q [Question]>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<QuestionSetContent<'q>> {
        if let Some(name) = name {
            name.clone_into(&mut self.name);
        }
        if let Some(questions) = questions {
            self.size = i64::try_from(questions.len()).unwrap_or(i64::MAX);
        }
        // Whatever the clock of this process says, it is another edition.
        self.updated_at = now.max(self.updated_at + TimeDelta::microseconds(1));

        let act =
            QuestionSetUpdated { question_set: self.id, name: self.name.clone(), size: self.size };
        let state = QuestionSetContent { set: self, questions };
        Change::of(state.set.workspace_id, state).done_by(by, &act, now)
    }

    /// Deletes the set with its runs.
    pub fn delete(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = QuestionSetDeleted { question_set: self.id, name: self.name.clone() };
        Change::of(self.workspace_id, Deleted(self)).done_by(by, &act, now)
    }
}
