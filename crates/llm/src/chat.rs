//! The words of a chat with a model.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use replyx_core::{
    ids::{AssistantId, DialogId, ModelCallId, ModelKeyId, WorkspaceId},
    money::Money,
    usage::{ModelCall, Purpose},
};

use crate::error::ModelError;

pub use replyx_extractive::{Fit, Source};

/// A model that can answer.
pub trait ChatModel: Send + Sync {
    /// One attempt, streaming. The stream ends without an error only when the model said that it
    /// was done. Dropping it ends the request.
    ///
    /// Nothing here waits forever or collects without bound on the caller's behalf except as far
    /// as a provider needs it: the bounds on time and size are those of the reader of the stream.
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>>;
}

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model's name, as [`Models::resolve`](crate::Models::resolve) gave it: `gpt-4o-mini`, or
    /// with its provider's name in front, `ollama:llama3:8b`. A [`ChatModel`] gets it without the
    /// provider.
    pub model: String,
    /// The models to ask when that one fails, in this order; none means those of the installation.
    pub fallbacks: Vec<String>,
    /// For whom it is asked.
    pub caller: Caller,
    /// The only models that may be asked, of those that the installation allows; all of those
    /// unless given.
    pub allowed: Option<Arc<[String]>>,
    /// Randomness, 0 to 2.
    pub temperature: f64,
    /// The longest answer, tokens.
    pub max_tokens: u32,
    /// How long everything may take; nothing means as long as the installation allows.
    pub within: Option<Duration>,
    /// The conversation, instructions first.
    pub messages: Vec<ChatMessage>,
    /// The bare question, for a model that reads no instructions.
    pub question: String,
    /// The passages the answer must rest on, best first.
    pub sources: Vec<Source>,
}

/// For whom a model is asked, and what for: a workspace has a share of the installation's calls,
/// and what is paid for is written down under these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The workspace; nothing for calls of the installation itself, which share one share and are
    /// in no ledger.
    pub workspace: Option<WorkspaceId>,
    /// For which of its assistants, if for one.
    pub assistant: Option<AssistantId>,
    /// The dialog, if there is one.
    pub dialog: Option<DialogId>,
    /// The purpose.
    pub purpose: Purpose,
}

impl Default for Caller {
    /// The installation itself.
    fn default() -> Self {
        Self { workspace: None, assistant: None, dialog: None, purpose: Purpose::Answer }
    }
}

/// One utterance in a chat with a model.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ChatMessage {
    /// The author.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
}

/// Who speaks in a chat with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// The instructions.
    System,
    /// The customer.
    User,
    /// The model.
    Assistant,
}

/// A piece of what a model sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More of the answer.
    Text(String),
    /// The model is at work on what is not shown.
    Thinking,
    /// The model is not sure that what it says is the answer.
    Unsure,
    /// The sources the answer rests on, as indexes into [`ChatRequest::sources`].
    Sources(Vec<usize>),
    /// What the answer took. Of several, the last one counts.
    Usage(Usage),
    /// The answer is whole, and why it ended.
    Finish(Finish),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    /// The model had said what it had to say.
    #[default]
    Stop,
    /// The answer had reached its bound; its whole sentences are taken.
    Length,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Are these our own estimate, because the provider did not say?
    pub estimated: bool,
}

/// An answer as it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// More of the answer.
    Text(&'a str),
    /// What was shown so far is void: the attempt failed and another one begins, or it was not the
    /// answer.
    Restarted,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The answer. [`NO_ANSWER`](crate::NO_ANSWER) when the sources do not hold it; ask
    /// [`declines`](crate::declines).
    pub text: String,
    /// Was the answer cut at its bound of tokens?
    pub truncated: bool,
    /// Is the model not sure that this is the answer?
    pub unsure: bool,
    /// What the successful attempt took.
    pub usage: Usage,
    /// The provider that answered.
    pub provider: String,
    /// The model that answered, without its provider's name.
    pub model: String,
    /// The key that was used, if the model needs one.
    pub key: Option<ModelKeyId>,
    /// How many attempts were made, the successful one included.
    pub attempts: u32,
    /// From asking to the first word of the successful attempt, failed attempts included.
    pub first_token: Duration,
    /// What the provider charges for the successful attempt, in US dollars.
    pub cost: Money,
    /// Is the price of the model known? If not, `cost` is nothing.
    pub price_known: bool,
    /// The sources the model says it used: indexes into [`ChatRequest::sources`], in order of
    /// mention, without repeats.
    pub used_sources: Vec<usize>,
    /// What every attempt took, in the order they were made; the last one is the successful one.
    pub spent: Vec<Spent>,
}

/// What one attempt took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The call's number in the ledger.
    pub id: ModelCallId,
    /// The provider that was asked.
    pub provider: String,
    /// The model that was asked, without its provider's name.
    pub model: String,
    /// The key that was used, if the model needs one.
    pub key: Option<ModelKeyId>,
    /// The tokens the provider charges. Of a failed attempt that had begun to answer they are our
    /// own estimate; one that was refused took none.
    pub usage: Usage,
    /// What the provider charges, in US dollars; nothing when the price is not known.
    pub cost: Money,
    /// Whether the model's price is known.
    pub priced: bool,
    /// `ok`, [`ModelError::reason`], or `cancelled`.
    pub outcome: &'static str,
    /// From the attempt's beginning to its first word.
    pub first_token: Option<Duration>,
    /// From the attempt's beginning to its end.
    pub duration: Duration,
}

impl Spent {
    /// The attempt as a row of the ledger.
    pub fn call(&self, caller: Caller, at: DateTime<Utc>) -> ModelCall {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        ModelCall {
            id: self.id,
            assistant_id: caller.assistant,
            dialog_id: caller.dialog,
            message_id: None,
            purpose: caller.purpose,
            provider: self.provider.clone(),
            model: self.model.clone(),
            key_id: self.key.map(ModelKeyId::into_uuid),
            prompt_tokens: self.usage.prompt_tokens,
            completion_tokens: self.usage.completion_tokens,
            estimated: self.usage.estimated,
            cost: self.cost,
            priced: self.priced,
            first_token_ms: self.first_token.map(millis),
            duration_ms: millis(self.duration),
            outcome: self.outcome.to_owned(),
            created_at: at,
        }
    }
}

/// A model gave no answer, and what asking took nevertheless.
#[derive(Debug, thiserror::Error)]
#[error("no model answered")]
pub struct Failure {
    /// Why: the error of the last attempt, or why there was none.
    #[source]
    pub error: ModelError,
    /// What every attempt took.
    pub spent: Vec<Spent>,
}

impl From<Failure> for ModelError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
