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
        /// A second answer, after the check refused the first one.
        Regenerate = "regenerate",
        /// A question made self-contained.
        Rewrite = "rewrite",
        /// A summary of what was said earlier.
        Summary = "summary",
        /// Vectors of passages, or of a customer's question.
        Embedding = "embedding",
        /// The vector of what a member searches for.
        Search = "search",
        /// The order of the passages that were found.
        Rerank = "rerank",
        /// An answer that only its owner sees.
        Preview = "preview",
        /// An answer to a question of a set.
        Evaluation = "evaluation",
    }
}

/// The most tokens that one call is stored with; a provider that reports more is not trusted.
pub const MOST_TOKENS: u64 = 1_000_000_000;
/// The most that one call is stored as costing, US dollars.
pub const MOST_COST: Money = Money::from_micros(1_000_000_000_000);

/// The outcome of a call that is under way. Its row holds what it is expected to cost.
pub const PENDING: &str = "pending";
/// The outcome of a call whose process died before it ended. Its row holds what it was expected to
/// cost.
pub const LOST: &str = "lost";
/// The outcome of a call that nobody waited for any more.
pub const CANCELLED: &str = "cancelled";

/// One call of a model, whatever came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// Identity.
    pub id: ModelCallId,
    /// For which assistant, if for one.
    pub assistant_id: Option<AssistantId>,
    /// The dialog, if there is one.
    pub dialog_id: Option<DialogId>,
    /// The message that came of it.
    pub message_id: Option<MessageId>,
    /// The purpose.
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
    /// Whether the tokens are estimated, because the provider did not report them.
    pub estimated: bool,
    /// What the provider charges, in US dollars; nothing when the price is not known.
    pub cost: Money,
    /// Whether the model's price is known.
    pub priced: bool,
    /// From asking to the first word, milliseconds.
    pub first_token_ms: Option<u64>,
    /// From asking to the end, milliseconds.
    pub duration_ms: u64,
    /// `ok`, the kind of error in a word, or [`PENDING`], [`CANCELLED`], [`LOST`].
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

impl Totals {
    /// Both together. A sum that does not fit is the largest number there is.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(more.calls),
            failed: self.failed.saturating_add(more.failed),
            prompt_tokens: self.prompt_tokens.saturating_add(more.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(more.completion_tokens),
            cost: self.cost + more.cost,
        }
    }
}

/// The calls of one assistant, model and purpose on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayUsage {
    /// The day, UTC.
    pub day: NaiveDate,
    /// For which assistant, if for one.
    pub assistant_id: Option<AssistantId>,
    /// The purpose.
    pub purpose: Purpose,
    /// The provider's name.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// The sum of them.
    pub totals: Totals,
}
