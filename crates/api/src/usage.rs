//! Model use and its cost.

pub mod list;

use chrono::NaiveDate;
use replyx_core::{
    ids::AssistantId,
    usage::{DayUsage, ModelCall, Purpose, Totals},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Calls of models taken together.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsView {
    /// How many calls.
    #[schema(example = 120)]
    calls: i64,
    /// How many of them failed.
    #[schema(example = 1)]
    failed: i64,
    /// Tokens read by models.
    #[schema(example = 98_000)]
    prompt_tokens: i64,
    /// Tokens written by models.
    #[schema(example = 4_200)]
    completion_tokens: i64,
    /// The providers' charge for them, in US dollars, as a decimal number.
    #[schema(example = "0.0172")]
    cost: String,
}

impl From<Totals> for TotalsView {
    fn from(totals: Totals) -> Self {
        Self {
            calls: totals.calls,
            failed: totals.failed,
            prompt_tokens: totals.prompt_tokens,
            completion_tokens: totals.completion_tokens,
            cost: totals.cost.to_string(),
        }
    }
}

/// The calls of one assistant, model and purpose on one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayUsageView {
    /// The day, UTC.
    #[schema(example = "2026-03-14")]
    day: NaiveDate,
    /// For which assistant; `null` for none in particular, such as a document that no assistant
    /// knows.
    assistant_id: Option<Uuid>,
    /// What the model was asked for: `answer`, `regenerate`, `rewrite`, `summary`, `embedding`,
    /// `search`, `rerank`, `preview` or `evaluation`.
    #[schema(example = "answer")]
    purpose: Purpose,
    /// The provider's name.
    #[schema(example = "openai")]
    provider: String,
    /// The model's name.
    #[schema(example = "gpt-4o-mini")]
    model: String,
    #[serde(flatten)]
    totals: TotalsView,
}

impl From<DayUsage> for DayUsageView {
    fn from(usage: DayUsage) -> Self {
        Self {
            day: usage.day,
            assistant_id: usage.assistant_id.map(AssistantId::into_uuid),
            purpose: usage.purpose,
            provider: usage.provider,
            model: usage.model,
            totals: usage.totals.into(),
        }
    }
}

/// One call of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallView {
    /// The purpose.
    #[schema(example = "preview")]
    purpose: Purpose,
    /// The provider's name.
    #[schema(example = "openai")]
    provider: String,
    /// The model's name.
    #[schema(example = "gpt-4o-mini")]
    model: String,
    /// Tokens read by the model.
    #[schema(example = 812)]
    prompt_tokens: u64,
    /// Tokens written by the model.
    #[schema(example = 24)]
    completion_tokens: u64,
    /// Whether the tokens are estimated, because the provider did not report them.
    estimated: bool,
    /// The provider's charge, in US dollars, as a decimal number.
    #[schema(example = "0.00042")]
    cost: String,
    /// From asking to the first word, milliseconds.
    #[schema(example = 180)]
    first_token_ms: Option<u64>,
    /// From asking to the end, milliseconds.
    #[schema(example = 640)]
    duration_ms: u64,
    /// `ok`, or the kind of error in a word.
    #[schema(example = "ok")]
    outcome: String,
}

impl From<&ModelCall> for CallView {
    fn from(call: &ModelCall) -> Self {
        Self {
            purpose: call.purpose,
            provider: call.provider.clone(),
            model: call.model.clone(),
            prompt_tokens: call.prompt_tokens,
            completion_tokens: call.completion_tokens,
            estimated: call.estimated,
            cost: call.cost.to_string(),
            first_token_ms: call.first_token_ms,
            duration_ms: call.duration_ms,
            outcome: call.outcome.clone(),
        }
    }
}

/// The sum of what was used.
pub(crate) fn sum<'u>(usage: impl IntoIterator<Item = &'u DayUsage>) -> Totals {
    usage.into_iter().map(|usage| usage.totals).fold(Totals::default(), Totals::plus)
}
