//! The words of a chat with a model.

use std::time::Duration;

use futures::stream::BoxStream;
use replyx_core::money::Money;

use crate::error::ModelError;

/// A model that can answer.
pub trait ChatModel: Send + Sync {
    /// One attempt, streaming. The stream ends without an error only when the model said that it was
    /// done. Dropping it ends the request.
    ///
    /// Nothing here waits for ever or collects without bound on the caller's behalf except as far as a
    /// provider needs it: the bounds on time and size are those of whoever reads the stream.
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>>;
}

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model's name, as [`Models::resolve`](crate::Models::resolve) gave it.
    pub model: String,
    /// Randomness, 0 to 2.
    pub temperature: f64,
    /// The longest answer, tokens.
    pub max_tokens: u32,
    /// The conversation, instructions first.
    pub messages: Vec<ChatMessage>,
    /// The bare question, for a model that reads no instructions.
    pub question: String,
    /// The passages the answer must rest on, best first.
    pub sources: Vec<Source>,
}

/// One utterance in a chat with a model.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ChatMessage {
    /// Who says it.
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

/// A passage an answer may rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The document's title.
    pub title: String,
    /// The headings above the passage, outermost first.
    pub headings: Vec<String>,
    /// The passage, Markdown or plain text.
    pub text: String,
}

/// A piece of what a model sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More of the answer.
    Text(String),
    /// The sources the answer rests on, as indexes into [`ChatRequest::sources`].
    Sources(Vec<usize>),
    /// What the answer took.
    Usage(Usage),
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
    /// What was shown so far is void: the attempt failed and another one begins.
    Restarted,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The answer. [`NO_ANSWER`](crate::NO_ANSWER) when the sources do not hold it; ask
    /// [`declines`](crate::declines).
    pub text: String,
    /// What the successful attempt took.
    pub usage: Usage,
    /// The model that answered.
    pub model: String,
    /// How many attempts were made, the successful one included.
    pub attempts: u32,
    /// From asking to the first word of the successful attempt, failed attempts included.
    pub first_token: Duration,
    /// What the provider charges for the successful attempt, in US dollars.
    pub cost: Money,
    /// Is the price of the model known? If not, `cost` is nothing.
    pub price_known: bool,
    /// The sources the model says it used: indexes into [`ChatRequest::sources`], in order of mention,
    /// without repeats.
    pub used_sources: Vec<usize>,
}
