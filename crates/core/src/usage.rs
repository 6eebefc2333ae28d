//! What models were asked and what it cost.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::{
    ids::{AssistantId, DialogId, MessageId, ModelCallId},
    money::Money,
    words::words,
};

words! {
    /// What a model was asked for.
    Purpose {
        /// The answer to a customer.
        Answer = "answer",
        /// An answer anew, after the check refused the first one.
        Regenerate = "regenerate",
        /// A question made self-contained.
        Rewrite = "rewrite",
        /// A summary of what was said earlier.
        Summary = "summary",
        /// Vectors of passages or of a question.
        Embedding = "embedding",
        /// An answer that only its owner sees.
        Preview = "preview",
        /// An answer to a question of a set.
        Evaluation = "evaluation",
    }
}

/// One call of a model, whatever came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// Identity.
    pub id: ModelCallId,
    /// For whom.
    pub assistant_id: AssistantId,
    /// In which dialog, if in one.
    pub dialog_id: Option<DialogId>,
    /// The message that came of it.
    pub message_id: Option<MessageId>,
    /// What for.
    pub purpose: Purpose,
    /// The provider's name.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// The key that was used.
    pub key_id: Option<Uuid>,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Are the tokens our own count, because the provider did not say?
    pub estimated: bool,
    /// What the provider charges, in US dollars.
    pub cost: Money,
    /// From asking to the first word, milliseconds.
    pub first_token_ms: Option<u64>,
    /// From asking to the end, milliseconds.
    pub duration_ms: u64,
    /// `ok`, or the kind of error in a word.
    pub outcome: String,
    /// When it ended.
    pub created_at: DateTime<Utc>,
}

/// Calls of models taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many calls.
    pub calls: i64,
    /// How many of them failed.
    pub failed: i64,
    /// Tokens read.
    pub prompt_tokens: i64,
    /// Tokens written.
    pub completion_tokens: i64,
    /// What providers charge, in US dollars.
    pub cost: Money,
}

/// The calls of one assistant, model and purpose on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayUsage {
    /// The day, UTC.
    pub day: NaiveDate,
    /// For whom.
    pub assistant_id: AssistantId,
    /// What for.
    pub purpose: Purpose,
    /// The provider's name.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// The sum of them.
    pub totals: Totals,
}
