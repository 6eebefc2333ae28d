//! When a dialog goes to a human, and the fixed texts, as clients see and set them.

use std::collections::BTreeMap;

use garde::Validate;
use replyx_core::{
    assistant::{AssistantSettings, FixedText, HandOffPolicy, Language, Texts, Unverified},
    presence::Assignment,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When a dialog is handed over to a human. Fields that are left out have their defaults.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = HandoffPolicy)]
pub(crate) struct HandoffView {
    /// When the customer asks for a human, says yes to one, or complains of what the documents do
    /// not answer.
    #[garde(skip)]
    #[schema(default = true)]
    on_request: bool,
    /// After so many answers in a row that the documents did not contain; 0: never.
    #[garde(range(max = HandOffPolicy::ON_UNKNOWN))]
    #[schema(maximum = 20, default = 0, example = 2)]
    on_unknown: u32,
    /// When an answer fails its check twice. The same as `unverified: "handoff"`; left out or null,
    /// it leaves `unverified` as it is.
    #[garde(skip)]
    #[schema(example = false)]
    on_failed_check: Option<bool>,
    /// Messages that go to a human, as examples: what means the same goes there, too. At most 50.
    #[garde(length(max = HandOffPolicy::TOPICS), inner(length(chars, min = 1, max = 300)))]
    #[schema(max_items = 50, example = json!(["I want to cancel my contract"]))]
    topics: Vec<String>,
    /// Who is given the dialogs that wait: `none` (operators take them over), `round_robin` or
    /// `least_busy` of those who are online and have room. Whoever answered the customer last comes
    /// first.
    #[garde(skip)]
    #[schema(default = "none")]
    assignment: Assignment,
    /// Whether the customer is told the name of the person who takes the dialog over or is given
    /// it, with the fixed text `operator_joined`. An operator who takes a dialog over by answering
    /// is not announced: the answer speaks.
    #[garde(skip)]
    #[schema(default = true)]
    announce_operator: bool,
    /// After so many business hours of waiting for a human the customer is told once, with the
    /// fixed text `still_waiting`, that it goes on; 0: never.
    #[garde(range(max = HandOffPolicy::MOST_WAITING_HOURS))]
    #[schema(maximum = 720, default = 4, example = 4)]
    waiting_hours: u32,
}

impl Default for HandoffView {
    fn default() -> Self {
        let policy = Self::of(&HandOffPolicy::default(), Unverified::Unknown);
        Self { on_failed_check: None, ..policy }
    }
}

impl HandoffView {
    pub(super) fn of(policy: &HandOffPolicy, unverified: Unverified) -> Self {
        Self {
            on_request: policy.on_request,
            on_unknown: policy.on_unknown,
            on_failed_check: Some(unverified == Unverified::HandOff),
            topics: policy.topics.clone(),
            assignment: policy.assignment,
            announce_operator: policy.announce_operator,
            waiting_hours: policy.waiting_hours,
        }
    }

    /// What happens to an answer that fails its check twice, if the policy says so.
    pub(super) fn unverified(&self) -> Option<Unverified> {
        let hands_off = self.on_failed_check?;
        Some(if hands_off { Unverified::HandOff } else { Unverified::Unknown })
    }

    pub(super) fn into_policy(self) -> HandOffPolicy {
        let topics = self.topics.iter().map(|topic| topic.trim());
        let topics = topics.filter(|topic| !topic.is_empty()).map(str::to_owned).collect();
        HandOffPolicy {
            on_request: self.on_request,
            on_unknown: self.on_unknown,
            topics,
            assignment: self.assignment,
            announce_operator: self.announce_operator,
            waiting_hours: self.waiting_hours,
        }
    }
}

/// Fixed texts by language (`en`, `ru`) and occasion.
pub(super) type TextsView = BTreeMap<Language, BTreeMap<FixedText, String>>;

pub(super) fn texts(settings: &AssistantSettings) -> TextsView {
    settings.texts.clone().into_inner()
}

pub(super) const fn into_texts(texts: TextsView) -> Texts {
    Texts::new(texts)
}

/// Texts of 1 to 4,000 characters, labels of buttons of at most 64.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(super) fn known_texts(texts: &TextsView, (): &()) -> garde::Result {
    let mut all = texts.values().flatten();
    if all.all(|(occasion, text)| occasion.takes(text)) {
        return Ok(());
    }
    Err(garde::Error::new(
        "each text must have 1 to 4000 characters, that of a button 1 to 64 in one line",
    ))
}
