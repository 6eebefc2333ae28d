//! The messages protocol: the request's body, and the events of the answer.
//!
//! Instructions stand beside the messages, which alternate, beginning and ending with the user:
//! newer models do not go on with words of their own.

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
    chat::{ChatMessage, ChatRole, Delta, Finish, Usage},
    error::ModelError,
};

/// What the user is made to say where the dialog begins or ends with us.
const SILENCE: &str = "…";

/// The body of a request.
pub(super) fn body(asked: &PlainRequest, shape: &Shape) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        #[serde(skip_serializing_if = "String::is_empty")]
        system: String,
        messages: Vec<ChatMessage>,
        max_tokens: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        output_config: Option<OutputConfig>,
        stream: bool,
    }
    #[derive(Serialize)]
    struct OutputConfig {
        effort: &'static str,
    }
    let body = Body {
        model: &asked.model,
        system: instructions(&asked.messages),
        messages: alternating(&asked.messages),
        max_tokens: shape.limit(asked.max_tokens).max(1),
        // The protocol's scale ends at 1.
        temperature: shape.sends(Parameter::Temperature).then_some(asked.temperature.min(1.0)),
        output_config: shape.sends(Parameter::Effort).then_some(OutputConfig { effort: "low" }),
        stream: true,
    };
    serde_json::to_vec(&body).expect("a body of strings and numbers has no key that is not text")
}

fn instructions(messages: &[ChatMessage]) -> String {
    let said = messages.iter().filter(|message| message.role == ChatRole::System);
    let texts: Vec<&str> =
        said.map(|message| message.content.trim()).filter(|text| !text.is_empty()).collect();
    texts.join("\n\n")
}

/// What was said, without what is empty, neighbours of one speaker joined, the user first and last.
fn alternating(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let mut turns: Vec<ChatMessage> = Vec::new();
    let said = messages.iter().filter(|message| message.role != ChatRole::System);
    for message in said.filter(|message| !message.content.trim().is_empty()) {
        let content = message.content.trim();
        match turns.last_mut() {
            Some(last) if last.role == message.role => {
                last.content.push_str("\n\n");
                last.content.push_str(content);
            }
            _ => turns.push(ChatMessage { role: message.role, content: content.to_owned() }),
        }
    }
    let silence = || ChatMessage { role: ChatRole::User, content: SILENCE.to_owned() };
    if turns.first().is_none_or(|first| first.role != ChatRole::User) {
        turns.insert(0, silence());
    }
    if turns.last().is_some_and(|last| last.role != ChatRole::User) {
        turns.push(silence());
    }
    turns
}

/// The reading of an answer.
#[derive(Default)]
pub(in crate::providers) struct Messages {
    prompt_tokens: u64,
    answered: bool,
}

impl Protocol for Messages {
    fn take(
        &mut self,
        data: &str,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<Stage, ModelError> {
        // The cause would quote the data.
        let event: Value = serde_json::from_str(data).map_err(|_| ModelError::Malformed(None))?;
        match event["type"].as_str() {
            Some("message_start") => self.read_input(&event["message"]["usage"]),
            Some("content_block_delta") => match event["delta"]["type"].as_str() {
                Some("text_delta") => {
                    let text =
                        event["delta"]["text"].as_str().ok_or(ModelError::Malformed(None))?;
                    if !text.is_empty() {
                        deltas.push_back(Delta::Text(text.to_owned()));
                    }
                }
                Some("thinking_delta") => deltas.push_back(Delta::Thinking),
                _ => {}
            },
            Some("message_delta") => {
                if let Some(reason) = event["delta"]["stop_reason"].as_str()
                    && !self.answered
                {
                    deltas.push_back(Delta::Finish(finish(reason)?));
                    self.answered = true;
                }
                self.read_input(&event["usage"]);
                // Cumulative.
                if let Some(completion_tokens) = event["usage"]["output_tokens"].as_u64() {
                    let prompt_tokens = self.prompt_tokens;
                    let usage = Usage { prompt_tokens, completion_tokens, estimated: false };
                    deltas.push_back(Delta::Usage(usage));
                }
            }
            Some("message_stop") => return Ok(Stage::Done),
            Some("error") => {
                return Err(failed(&event, words));
            }
            Some(_) => {}
            None => return Err(ModelError::Malformed(None)),
        }
        Ok(if self.answered { Stage::Answered } else { Stage::Answering })
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
        let blocks = body["content"].as_array().ok_or(ModelError::Malformed(None))?;
        let text: String = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        deltas.push_back(Delta::Text(text));
        let reason = body["stop_reason"].as_str().unwrap_or_default();
        deltas.push_back(Delta::Finish(finish(reason)?));
        self.read_input(&body["usage"]);
        if let Some(completion_tokens) = body["usage"]["output_tokens"].as_u64() {
            let prompt_tokens = self.prompt_tokens;
            deltas.push_back(Delta::Usage(Usage {
                prompt_tokens,
                completion_tokens,
                estimated: false,
            }));
        }
        Ok(())
    }
}

impl Messages {
    /// Tokens read from a cache or written to one are told apart from the rest; all of them are
    /// input.
    fn read_input(&mut self, usage: &Value) {
        let count = |name: &str| usage[name].as_u64();
        if let Some(fresh) = count("input_tokens") {
            self.prompt_tokens = fresh
                .saturating_add(count("cache_creation_input_tokens").unwrap_or_default())
                .saturating_add(count("cache_read_input_tokens").unwrap_or_default());
        }
    }
}

fn finish(reason: &str) -> Result<Finish, ModelError> {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Ok(Finish::Length),
        "refusal" => Err(ModelError::Filtered),
        _ => Ok(Finish::Stop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(said: &[(ChatRole, &str)]) -> Vec<(ChatRole, String)> {
        let messages: Vec<ChatMessage> = said
            .iter()
            .map(|(role, text)| ChatMessage { role: *role, content: (*text).to_owned() })
            .collect();
        alternating(&messages).into_iter().map(|turn| (turn.role, turn.content)).collect()
    }

    #[test]
    fn messages_alternate_and_begin_with_the_user() {
        use ChatRole::{Assistant, System, User};
        let turn = |role, text: &str| (role, text.to_owned());
        assert_eq!(
            turns(&[(System, "x"), (User, "a "), (User, "b"), (Assistant, " "), (User, "c")]),
            [turn(User, "a\n\nb\n\nc")]
        );
        assert_eq!(
            turns(&[(Assistant, "Hello!"), (User, "Hi"), (Assistant, "Yes?"), (User, "?")]),
            [
                turn(User, SILENCE),
                turn(Assistant, "Hello!"),
                turn(User, "Hi"),
                turn(Assistant, "Yes?"),
                turn(User, "?")
            ]
        );
        assert_eq!(
            turns(&[(User, "Hi"), (Assistant, "Hello!")]),
            [turn(User, "Hi"), turn(Assistant, "Hello!"), turn(User, SILENCE)]
        );
        assert_eq!(turns(&[]), [turn(User, SILENCE)]);
    }
}
