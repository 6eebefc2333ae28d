//! Anthropic's messages (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use serde_json::{Value, json};

use super::{Frames, named};
use crate::openai::{
    Answer, Message, Request, Usage,
    request::{Invalid, flag, number, positive, read_message},
};

const FIELDS: [&str; 16] = [
    "container",
    "context_management",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tools",
    "top_p",
];

pub(super) fn read(body: Value) -> Result<Request, Invalid> {
    let fields = body.as_object().ok_or_else(|| Invalid::new("", "Input should be an object"))?;
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let message = format!("{unknown}: Extra inputs are not permitted");
        return Err(Invalid::new(unknown, message));
    }

    let model = fields.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    if model.is_empty() {
        return Err(Invalid::new("model", "model: Field required"));
    }

    let max_tokens = positive(fields, "max_tokens")?;
    if max_tokens.is_none() {
        return Err(Invalid::new("max_tokens", "max_tokens: Field required"));
    }

    let list = fields.get("messages").and_then(Value::as_array);
    let list = list.ok_or_else(|| Invalid::new("messages", "messages: Field required"))?;
    let mut messages = Vec::new();
    if let Some(text) = fields.get("system").and_then(Value::as_str) {
        messages.push(Message { role: "system".to_owned(), content: text.to_owned() });
    }

    let said: Vec<Message> = list
        .iter()
        .enumerate()
        .map(|(i, message)| read_message("messages", i, message))
        .collect::<Result<_, _>>()?;

    check(&said)?;
    messages.extend(said);
    let temperature = number(fields, "temperature", 0.0, 1.0)?;
    if temperature.is_some() && model.ends_with("-5-5") {
        return Err(Invalid::new("temperature", "`temperature` is deprecated for this model."));
    }

    Ok(Request {
        temperature,
        stream: flag(fields, "stream")?,
        include_usage: true,
        key: String::new(),
        model,
        messages,
        max_tokens,
        body,
    })
}

/// Stricter than the real server, which joins neighbours of one role.
fn check(said: &[Message]) -> Result<(), Invalid> {
    let refuse = |message: &str| Err(Invalid::new("messages", message));
    for (i, message) in said.iter().enumerate() {
        let expected = if i % 2 == 0 { "user" } else { "assistant" };
        if message.role != expected {
            return refuse("messages: roles must alternate, and the first must be \"user\"");
        }
        if message.content.trim().is_empty() {
            return refuse("messages: text content blocks must be non-empty");
        }
    }
    if said.is_empty() { refuse("messages: at least one message is required") } else { Ok(()) }
}

/// The name of an error.
pub(super) fn kind(status: u16) -> &'static str {
    match status {
        400 | 422 => "invalid_request_error",
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish_reason {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "content_filter" => "refusal",
        other => other,
    }
}

pub(super) fn frames(request: &Request, answer: &Answer, id: &str, usage: Option<Usage>) -> Frames {
    let mut start = json!({"type": "message_start", "message": {
        "id": id, "type": "message", "role": "assistant", "content": [], "model": request.model,
        "stop_reason": null, "stop_sequence": null,
    }});
    let mut end = json!({"type": "message_delta",
        "delta": {"stop_reason": stop_reason(answer), "stop_sequence": null}});
    if let Some(usage) = usage {
        // A part of the input is told as read from a cache, as the real server does.
        let cached = usage.prompt_tokens / 2;
        start["message"]["usage"] = json!({"input_tokens": usage.prompt_tokens - cached,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached, "output_tokens": 1});
        end["usage"] = json!({"output_tokens": usage.completion_tokens});
    }
    let piece = |piece: &String| {
        let delta = json!({"type": "text_delta", "text": piece});
        named(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
    };
    let error = json!({"type": "overloaded_error", "message": "Overloaded"});
    Frames {
        opening: vec![
            named(&start),
            named(&json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}})),
            named(&json!({"type": "ping"})),
        ],
        pieces: answer.pieces().iter().map(piece).collect(),
        closing: vec![
            named(&json!({"type": "content_block_stop", "index": 0})),
            named(&end),
            named(&json!({"type": "message_stop"})),
        ],
        error: named(&json!({"type": "error", "error": error})),
        malformed: "event: content_block_delta\ndata: {\"type\":\n\n".to_owned(),
    }
}

pub(super) fn whole(request: &Request, answer: &Answer, id: &str, usage: Usage) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "model": request.model,
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": stop_reason(answer), "stop_sequence": null,
        "usage": {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens},
    })
}
