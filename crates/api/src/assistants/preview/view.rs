use replyx_engine::turn::{Answered, Step};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{assistants::search::HitView, dialogs::messages::AnswerView, usage::CallView};

/// An answer that no customer sees, with every step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(super) struct PreviewView {
    /// The reply to the customer; Markdown.
    #[schema(example = "You may return an item within 30 days.")]
    text: String,
    /// Whether the dialog would wait for a human.
    hand_off: bool,
    #[serde(flatten)]
    answer: AnswerView,
    /// The passages the model was shown, best first.
    hits: Vec<HitView>,
    /// The tags of which each document has one that was searched; empty: all documents were.
    #[schema(example = json!([]))]
    tags: Vec<String>,
    /// The last prompt.
    prompt: Vec<PromptView>,
    /// Every call of a model that it took.
    calls: Vec<CallView>,
    /// The total cost of these calls, in US dollars, as a decimal number.
    #[schema(example = "0.00042")]
    total_cost: String,
}

/// A message to a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PromptMessage)]
pub(super) struct PromptView {
    /// `system`, `user` or `assistant`.
    #[schema(example = "system")]
    role: String,
    #[schema(example = "Answer from the passages alone.")]
    content: String,
}

/// One event of a streamed preview: its fields, as server-sent events name them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewEvent {
    /// `retrieved`, `prompt`, `delta` (more text), `restarted` (the text so far is void), `check`,
    /// `done`, or `failed`.
    #[schema(example = "delta")]
    event: String,
    /// The data of the event, as JSON in one line.
    #[schema(example = r#"{"text":"You may return"}"#)]
    data: String,
}

impl PreviewView {
    pub(super) fn of(answered: Answered, prompt: Vec<PromptView>) -> Self {
        Self {
            calls: answered.ledger.calls().iter().map(CallView::from).collect(),
            total_cost: answered.ledger.cost().to_string(),
            text: answered.reply.text,
            hand_off: answered.reply.hand_off.is_some(),
            answer: answered.reply.meta.into(),
            hits: answered.hits.into_iter().map(HitView::from).collect(),
            tags: answered.tags,
            prompt,
        }
    }
}

/// What a model is sent, if this is the step in which it is asked.
pub(super) fn prompt(step: &Step<'_>) -> Option<Vec<PromptView>> {
    let Step::Prompt(request) = step else { return None };
    let messages = request.messages.iter().map(|message| {
        let role = serde_json::to_value(message.role).unwrap_or_default();
        let role = role.as_str().unwrap_or_default().to_owned();
        PromptView { role, content: message.content.clone() }
    });
    Some(messages.collect())
}
