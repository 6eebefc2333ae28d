//! The Responses protocol: the request's body, and the events of the answer.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::super::{
    detail::Words,
    events::{Protocol, Stage},
    http::{PlainRequest, failed},
    parameters::{Parameter, Shape},
};
use crate::{
    chat::{ChatMessage, Delta, Finish, Usage},
    error::ModelError,
};

/// The protocol takes no smaller bound than this, tokens.
pub(super) const LEAST: u32 = 16;

/// The body of a request.
pub(super) fn body(asked: &PlainRequest, shape: &Shape) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: &'a [ChatMessage],
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<f64>,
        max_output_tokens: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning: Option<Reasoning>,
        stream: bool,
        // By default the provider keeps what is said for thirty days.
        #[serde(skip_serializing_if = "Option::is_none")]
        store: Option<bool>,
    }
    #[derive(Serialize)]
    struct Reasoning {
        effort: &'static str,
    }
    let body = Body {
        model: &asked.model,
        input: &asked.messages,
        temperature: shape.sends(Parameter::Temperature).then_some(asked.temperature),
        max_output_tokens: shape.limit(asked.max_tokens).max(LEAST),
        reasoning: shape.sends(Parameter::Effort).then_some(Reasoning { effort: "low" }),
        stream: true,
        store: shape.sends(Parameter::Store).then_some(false),
    };
    serde_json::to_vec(&body).expect("a body of strings and numbers has no key that is not text")
}

/// The reading of an answer.
#[derive(Default)]
pub(in crate::providers) struct Responses {
    begun: bool,
    refused: bool,
}

impl Protocol for Responses {
    fn take(
        &mut self,
        data: &str,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<Stage, ModelError> {
        if data == "[DONE]" {
            // Only an answer that was completed ends well here, and that has been read.
            return Err(ModelError::Broken(None));
        }
        // The cause would quote the data.
        let event: Value = serde_json::from_str(data).map_err(|_| ModelError::Malformed(None))?;
        match event["type"].as_str() {
            Some("response.output_text.delta") => {
                let text = event["delta"].as_str().ok_or(ModelError::Malformed(None))?;
                if !text.is_empty() {
                    self.begun = true;
                    deltas.push_back(Delta::Text(text.to_owned()));
                }
            }
            Some("response.refusal.delta" | "response.refusal.done") => self.refused = true,
            Some("response.completed") => return self.complete(&event["response"], deltas),
            Some("response.incomplete") => return self.cut(&event["response"], deltas),
            Some("response.failed") => return Err(failed(&event["response"], words)),
            Some("error") => return Err(failed(&event, words)),
            Some(kind) if kind.starts_with("response.reasoning") => {
                deltas.push_back(Delta::Thinking);
            }
            Some(_) => {}
            None => return Err(ModelError::Malformed(None)),
        }
        Ok(Stage::Answering)
    }

    fn take_whole(
        &mut self,
        body: &Value,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<(), ModelError> {
        if body.get("error").is_some_and(|error| !error.is_null()) {
            return Err(failed(body, words));
        }
        match body["status"].as_str() {
            Some("completed") | None if body["output"].is_array() => self.complete(body, deltas)?,
            Some("incomplete") => self.cut(body, deltas)?,
            _ => return Err(ModelError::Malformed(None)),
        };
        Ok(())
    }
}

impl Responses {
    fn complete(
        &self,
        response: &Value,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<Stage, ModelError> {
        if self.refused && !self.begun {
            return Err(ModelError::Filtered);
        }
        if !self.begun {
            // A server that streams nothing else sends the whole answer here.
            deltas.extend(whole(response).map(Delta::Text));
        }
        deltas.push_back(Delta::Finish(Finish::Stop));
        deltas.extend(usage(response).map(Delta::Usage));
        Ok(Stage::Done)
    }

    fn cut(&self, response: &Value, deltas: &mut VecDeque<Delta>) -> Result<Stage, ModelError> {
        match response["incomplete_details"]["reason"].as_str() {
            Some("content_filter") => Err(ModelError::Filtered),
            Some("max_output_tokens") => {
                if !self.begun {
                    deltas.extend(whole(response).map(Delta::Text));
                }
                deltas.push_back(Delta::Finish(Finish::Length));
                deltas.extend(usage(response).map(Delta::Usage));
                Ok(Stage::Done)
            }
            _ => Err(ModelError::Broken(None)),
        }
    }
}

fn whole(response: &Value) -> Option<String> {
    let items = response["output"].as_array()?.iter();
    let parts = items.filter_map(|item| item["content"].as_array()).flatten();
    let text: String = parts
        .filter(|part| part["type"] == "output_text")
        .filter_map(|part| part["text"].as_str())
        .collect();
    (!text.is_empty()).then_some(text)
}

fn usage(response: &Value) -> Option<Usage> {
    let count = |name: &str| response["usage"][name].as_u64().unwrap_or_default();
    let prompt_tokens = count("input_tokens");
    let completion_tokens = count("output_tokens");
    let said = prompt_tokens > 0 || completion_tokens > 0;
    said.then_some(Usage { prompt_tokens, completion_tokens, estimated: false })
}
