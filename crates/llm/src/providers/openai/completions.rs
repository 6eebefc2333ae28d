//! Chat completions: the request's body, and the events of the answer.
//!
//! Compatible servers leave things out and add things: a missing `[DONE]`, usage beside the last
//! words or in every event, `content` as null or in parts, reasoning beside it, an empty
//! `finish_reason`. What is needed is read, the rest is passed over.

use std::{borrow::Cow, collections::VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{
    detail::Words,
    events::{Protocol, Stage},
    http::{PlainRequest, failed},
    parameters::{Parameter, Shape},
};
use crate::{
    chat::{ChatMessage, ChatRole, Delta, Finish, Usage},
    error::ModelError,
};

/// The body of a request.
pub(super) fn body(asked: &PlainRequest, shape: &Shape) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        messages: &'a [ChatMessage],
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_tokens: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_completion_tokens: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning_effort: Option<&'static str>,
        stream: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        stream_options: Option<StreamOptions>,
    }

    #[derive(Serialize)]
    struct StreamOptions {
        include_usage: bool,
    }

    let messages = if shape.sends(Parameter::System) {
        Cow::Borrowed(asked.messages.as_slice())
    } else {
        Cow::Owned(without_system(&asked.messages))
    };
    let limit = shape.limit(asked.max_tokens);
    let newer = shape.newer_limit();

    let body = Body {
        model: &asked.model,
        messages: &messages,
        temperature: shape.sends(Parameter::Temperature).then_some(asked.temperature),
        max_tokens: (!newer).then_some(limit),
        max_completion_tokens: newer.then_some(limit),
        reasoning_effort: shape.sends(Parameter::Effort).then_some("low"),
        stream: true,
        stream_options: shape
            .sends(Parameter::Usage)
            .then_some(StreamOptions { include_usage: true }),
    };

    serde_json::to_vec(&body).expect("a body of strings and numbers has no key that is not text")
}

/// The messages for a template that knows no instructions: these stand before the first question.
fn without_system(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let (system, mut said): (Vec<ChatMessage>, Vec<ChatMessage>) =
        messages.iter().cloned().partition(|message| message.role == ChatRole::System);
    let mut told: Vec<String> = system.into_iter().map(|message| message.content).collect();
    match said.first_mut().filter(|first| first.role == ChatRole::User) {
        Some(first) => {
            told.push(std::mem::take(&mut first.content));
            first.content = told.join("\n\n");
        }
        None => {
            said.insert(0, ChatMessage { role: ChatRole::User, content: told.join("\n\n") });
        }
    }
    said
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    /// Of an answer in one piece it is the message.
    #[serde(alias = "message")]
    delta: Option<ChunkDelta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct ChunkDelta {
    content: Option<Value>,
    /// Why the model does not answer.
    refusal: Option<String>,
    /// What a model thinks before it answers, as `DeepSeek`, vLLM and others name it.
    reasoning_content: Option<Value>,
    /// The same, as `OpenRouter` and Ollama name it.
    reasoning: Option<Value>,
}

impl ChunkDelta {
    fn thinks(&self) -> bool {
        let says = |words: &Option<Value>| {
            words.as_ref().and_then(Value::as_str).is_some_and(|words| !words.is_empty())
        };
        says(&self.reasoning_content) || says(&self.reasoning)
    }
}

/// The reading of an answer.
#[derive(Default)]
pub(in crate::providers) struct Completions {
    begun: bool,
    refused: bool,
    answered: bool,
}

impl Protocol for Completions {
    fn take(
        &mut self,
        data: &str,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<Stage, ModelError> {
        if data == "[DONE]" {
            return Ok(Stage::Done);
        }
        // The cause would quote the data.
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| ModelError::Malformed(None))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(failed(&error, words));
        }
        let choices = chunk.choices.unwrap_or_default();
        for choice in choices.into_iter().filter(|choice| choice.index == 0) {
            if choice.delta.as_ref().is_some_and(ChunkDelta::thinks) {
                deltas.push_back(Delta::Thinking);
            }
            self.refused |= choice
                .delta
                .as_ref()
                .and_then(|delta| delta.refusal.as_deref())
                .is_some_and(|words| !words.trim().is_empty());
            let text = choice.delta.and_then(|delta| delta.content).map(text).unwrap_or_default();
            if !text.is_empty() {
                self.begun = true;
                deltas.push_back(Delta::Text(text));
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty())
                && !self.answered
            {
                if self.refused && !self.begun {
                    return Err(ModelError::Filtered);
                }
                deltas.push_back(Delta::Finish(finish(&reason)?));
                self.answered = true;
            }
        }
        if let Some(usage) = chunk.usage.as_ref().and_then(usage) {
            deltas.push_back(Delta::Usage(usage));
        }
        Ok(if self.answered { Stage::Answered } else { Stage::Answering })
    }

    fn take_whole(
        &mut self,
        body: &Value,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<(), ModelError> {
        self.take(&body.to_string(), words, deltas)?;
        if self.begun || self.answered { Ok(()) } else { Err(ModelError::Malformed(None)) }
    }
}

/// The text of a content: a string, or the text parts of a list.
fn text(content: Value) -> String {
    match content {
        Value::String(text) => text,
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn finish(reason: &str) -> Result<Finish, ModelError> {
    match reason {
        "length" => Ok(Finish::Length),
        "content_filter" => Err(ModelError::Filtered),
        "error" | "abort" | "insufficient_system_resource" => Err(ModelError::Broken(None)),
        _ => Ok(Finish::Stop),
    }
}

/// Some servers report nothing as zeros. What is no count is as good as missing: it spoils no
/// answer.
fn usage(counts: &Value) -> Option<Usage> {
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    let prompt_tokens = count("prompt_tokens");
    let completion_tokens = count("completion_tokens");
    let said = prompt_tokens > 0 || completion_tokens > 0;
    said.then_some(Usage { prompt_tokens, completion_tokens, estimated: false })
}
