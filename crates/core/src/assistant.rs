//! Who answers: instructions, model and the texts said when there is nothing to answer with.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    hours::BusinessHours,
    ids::{AssistantId, QuestionSetId, RunId, WorkspaceId},
    presence::Assignment,
    words::words,
};

mod opening;
mod texts;

pub use opening::{Day, OpeningHours};
pub use texts::{FixedText, Texts};

words! {
    /// A language an assistant speaks of its own accord (its fixed texts; answers follow the
    /// customer).
    Language {
        /// English.
        English = "en",
        /// Russian.
        Russian = "ru",
    }
}

words! {
    /// What happens to an answer that fails the check twice.
    Unverified {
        /// The customer is told that the documents do not say it.
        Unknown = "unknown",
        /// The dialog waits for a human.
        HandOff = "handoff",
    }
}

words! {
    /// What happens to a quotation of which the model is not sure that it answers.
    Unsure {
        /// The customer is told that the documents do not say it.
        Decline = "decline",
        /// The customer gets it as what may help, with the way to a human.
        Quote = "quote",
    }
}

/// An assistant: its draft, and which published version customers meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Assistant {
    /// Identity.
    pub id: AssistantId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// How the draft answers.
    pub settings: AssistantSettings,
    /// Grows by one with every change of the draft; what an `ETag` shows.
    pub version: i64,
    /// The number of the [`Version`] that answers customers.
    pub published: i64,
    /// The condition for publishing a version.
    pub gate: Option<Gate>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A published, unchangeable state of an assistant's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// From 1 without gaps, for each assistant.
    pub number: i64,
    /// How it answers.
    pub settings: AssistantSettings,
    /// The publisher's note.
    pub note: String,
    /// The evaluation run that passed the gate.
    pub run_id: Option<RunId>,
    /// Who published it: a name for display.
    pub created_by: String,
    /// When it was published.
    pub created_at: DateTime<Utc>,
}

/// An assistant that answers nobody until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant.
    pub assistant_id: AssistantId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What customers hear who write in the meantime; a fixed text of the assistant unless set.
    pub text: Option<String>,
}

/// What has to hold before a version is published: its answers to a question set must not get
/// worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// The questions.
    pub set_id: QuestionSetId,
    /// How far a measure may fall below that of the published version, 0 to 1.
    pub tolerance: f64,
}

/// How an assistant answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssistantSettings {
    /// Its display name.
    pub name: String,
    /// The chat model: `extractive`, `provider:model`, or a model of OpenAI or Anthropic. `None`
    /// follows the installation's default.
    pub model: Option<String>,
    /// The owner's instructions to the model.
    pub system_prompt: String,
    /// Randomness of the model, 0 to 2; 0.2 unless set, because support wants facts.
    pub temperature: f64,
    /// The language of the fixed texts.
    pub language: Language,
    /// Said in answer to `/start`; a fixed text of the language unless set.
    pub greeting: Option<String>,
    /// Said when the documents do not hold the answer; a fixed text of the language unless set.
    pub unknown_text: Option<String>,
    /// Said when no model could be reached; a fixed text of the language unless set.
    pub fallback_text: Option<String>,
    /// The models asked in this order when the first one fails.
    #[serde(default)]
    pub fallback_models: Vec<String>,
    /// The IANA name of the time zone in which the assistant tells the time.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Whether the facts of an answer must be in its sources.
    #[serde(default = "yes")]
    pub check_answers: bool,
    /// What happens to an answer that fails the check twice.
    #[serde(default = "unknown")]
    pub unverified: Unverified,
    /// What happens to a quotation of which the model is not sure.
    #[serde(default = "decline")]
    pub unsure: Unsure,
    /// Said when the dialog is handed to a human; a fixed text of the language unless set.
    #[serde(default)]
    pub handoff_text: Option<String>,
    /// For so many hours after a dialog was closed the customer's next words reopen it; after that
    /// they begin a new one.
    #[serde(default = "a_day")]
    pub reopen_hours: i64,
    /// For so many minutes after the fallback text the question is asked again, and the customer
    /// gets the answer once a model is back; 0: never.
    #[serde(default = "ten_minutes")]
    pub late_answer_minutes: i64,
    /// The assistant finds only documents with one of these tags, beside the answers that people
    /// wrote for it; empty: all it knows.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When the dialog is handed to a human, beside [`Self::unverified`].
    #[serde(default)]
    pub handoff: HandOffPolicy,
    /// Fixed texts in the languages of customers.
    #[serde(default)]
    pub texts: Texts,
    /// When people answer, by the clock of [`Self::time_zone`]; always unless set.
    #[serde(default)]
    pub hours: Option<OpeningHours>,
}

const fn a_day() -> i64 {
    AssistantSettings::REOPEN_HOURS
}

const fn ten_minutes() -> i64 {
    AssistantSettings::LATE_ANSWER_MINUTES
}

/// When a dialog is handed to a human. What happens to an answer that failed its check is
/// [`AssistantSettings::unverified`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandOffPolicy {
    /// When the customer asks for one, or complains of what the documents do not answer.
    pub on_request: bool,
    /// After so many answers in a row that the documents did not hold; 0: never.
    pub on_unknown: u32,
    /// Messages that go to a human, as examples: what means the same goes there, too.
    pub topics: Vec<String>,
    /// Who is given the dialogs that wait.
    pub assignment: Assignment,
    /// Whether the customer is told who answers.
    pub announce_operator: bool,
    /// After so many business hours of waiting the customer is told that it goes on; 0: never.
    pub waiting_hours: u32,
}

impl HandOffPolicy {
    /// At most so many answers in a row.
    pub const ON_UNKNOWN: u32 = 20;
    /// At most so many examples of topics.
    pub const TOPICS: usize = 50;
    /// The longest example, characters.
    pub const TOPIC: usize = 300;
    /// After how many hours of waiting the customer is told if the owner set nothing.
    pub const WAITING_HOURS: u32 = 4;
    /// At most so many hours: a month.
    pub const MOST_WAITING_HOURS: u32 = 720;
}

impl Default for HandOffPolicy {
    fn default() -> Self {
        Self {
            on_request: true,
            on_unknown: 0,
            topics: Vec::new(),
            assignment: Assignment::None,
            announce_operator: true,
            waiting_hours: Self::WAITING_HOURS,
        }
    }
}

fn utc() -> String {
    AssistantSettings::TIME_ZONE.to_owned()
}

const fn yes() -> bool {
    true
}

const fn decline() -> Unsure {
    Unsure::Decline
}

const fn unknown() -> Unverified {
    Unverified::Unknown
}

impl AssistantSettings {
    /// The temperature of an assistant whose owner set none.
    pub const TEMPERATURE: f64 = 0.2;
    /// The time zone of an assistant whose owner set none.
    pub const TIME_ZONE: &str = "UTC";
    /// For how long a closed dialog is reopened if the owner set nothing, hours.
    pub const REOPEN_HOURS: i64 = 24;
    /// For how long an answer may come late if the owner set nothing, minutes.
    pub const LATE_ANSWER_MINUTES: i64 = 10;
    /// At most so many models stand behind the first one.
    pub const FALLBACK_MODELS: usize = 5;

    /// The settings of an assistant of which nothing but name and language is known.
    pub fn new(name: String, language: Language) -> Self {
        Self {
            name,
            model: None,
            system_prompt: String::new(),
            temperature: Self::TEMPERATURE,
            language,
            greeting: None,
            unknown_text: None,
            fallback_text: None,
            fallback_models: Vec::new(),
            time_zone: utc(),
            check_answers: true,
            unverified: Unverified::Unknown,
            unsure: Unsure::Decline,
            handoff_text: None,
            reopen_hours: Self::REOPEN_HOURS,
            late_answer_minutes: Self::LATE_ANSWER_MINUTES,
            tags: Vec::new(),
            handoff: HandOffPolicy::default(),
            texts: Texts::default(),
            hours: None,
        }
    }

    /// A fixed text for a customer who is spoken to in this language: the owner's for it, else the
    /// owner's single one in whatever language, else the product's own.
    pub fn say(&self, text: FixedText, language: Language) -> &str {
        let single = match text {
            FixedText::Start => &self.greeting,
            FixedText::Unknown => &self.unknown_text,
            FixedText::Fallback => &self.fallback_text,
            FixedText::Handoff => &self.handoff_text,
            _ => &None,
        };
        let own = self.texts.get(language, text);
        own.or(single.as_deref()).unwrap_or_else(|| text.house(language))
    }

    /// When people are back, if it is outside the business hours. `None`: they are there, or do not
    /// come back within a year.
    pub fn closed_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.hours.as_ref()?.in_zone(self.zone()).ok()?;
        hours.opens_at(now).filter(|opens| now < *opens)
    }

    /// When people answer; always where the owner said nothing.
    pub fn business_hours(&self) -> BusinessHours {
        let hours = self.hours.as_ref().and_then(|hours| hours.in_zone(self.zone()).ok());
        hours.unwrap_or_else(BusinessHours::always)
    }

    fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// What is said to a customer who is spoken to in this language when the dialog is handed to a
    /// human: outside the business hours, when people are back.
    pub fn handoff(&self, language: Language, now: DateTime<Utc>) -> String {
        match self.closed_until(now) {
            None => self.say(FixedText::Handoff, language).to_owned(),
            Some(opens) => {
                let when = opening::from_when(opens, now, self.zone(), language);
                self.say(FixedText::AfterHours, language).replace(FixedText::WHEN, &when)
            }
        }
    }

    /// What is said in answer to `/start`, in the assistant's language.
    pub fn greeting(&self) -> &str {
        self.say(FixedText::Start, self.language)
    }

    /// What is said when the documents do not hold the answer, in the assistant's language.
    pub fn unknown_text(&self) -> &str {
        self.say(FixedText::Unknown, self.language)
    }

    /// What is said when no model could be reached, in the assistant's language.
    pub fn fallback_text(&self) -> &str {
        self.say(FixedText::Fallback, self.language)
    }

    /// What is said when the dialog is handed to a human, in the assistant's language.
    pub fn handoff_text(&self) -> &str {
        self.say(FixedText::Handoff, self.language)
    }
}
