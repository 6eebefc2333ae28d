//! Responses (<https://platform.openai.com/docs/api-reference/responses-streaming>).

use serde_json::{Value, json};

use super::{Frames, named};
use crate::openai::{
    Answer, Request, Usage,
    request::{Invalid, flag, number, positive, read_message},
};

const FIELDS: [&str; 26] = [
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
];

pub(super) fn read(body: Value) -> Result<Request, Invalid> {
    let fields = body
        .as_object()
        .ok_or_else(|| Invalid::new("", "The body of your request is not a JSON object."))?;
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Invalid::new(unknown, format!("Unknown parameter: '{unknown}'.")));
    }

    let model = fields.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    if model.is_empty() {
        return Err(Invalid::new("model", "Missing required parameter: 'model'."));
    }

    let messages = match fields.get("input") {
        Some(Value::String(text)) => {
            let message = json!({"role": "user", "content": text});
            vec![read_message("input", 0, &message)?]
        }
        Some(Value::Array(list)) if !list.is_empty() => list
            .iter()
            .enumerate()
            .map(|(i, message)| read_message("input", i, message))
            .collect::<Result<_, _>>()?,
        _ => return Err(Invalid::new("input", "Missing required parameter: 'input'.")),
    };

    let max_tokens = positive(fields, "max_output_tokens")?;
    if max_tokens.is_some_and(|tokens| tokens < 16) {
        let message = "Invalid 'max_output_tokens': integer below minimum value.";
        return Err(Invalid::new("max_output_tokens", message));
    }

    Ok(Request {
        temperature: number(fields, "temperature", 0.0, 2.0)?,
        stream: flag(fields, "stream")?,
        include_usage: true,
        key: String::new(),
        model,
        messages,
        max_tokens,
        body,
    })
}

fn response(
    request: &Request,
    answer: &Answer,
    id: &str,
    status: &str,
    usage: Option<Usage>,
) -> Value {
    let output = if status == "in_progress" { json!([]) } else { json!([item(answer, status)]) };
    json!({
        "id": id,
        "object": "response",
        "created_at": 0,
        "status": status,
        "error": null,
        "incomplete_details": match (status, answer.finish_reason) {
            ("incomplete", "length") => json!({"reason": "max_output_tokens"}),
            ("incomplete", reason) => json!({"reason": reason}),
            _ => Value::Null,
        },
        "model": request.model,
        "output": output,
        "usage": usage.map(|usage| json!({
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
        })),
    })
}

fn item(answer: &Answer, status: &str) -> Value {
    json!({
        "id": "msg_fake", "type": "message", "status": status, "role": "assistant",
        "content": [{"type": "output_text", "text": answer.text, "annotations": []}],
    })
}

fn ended(answer: &Answer) -> &'static str {
    if answer.finish_reason == "stop" { "completed" } else { "incomplete" }
}

pub(super) fn frames(request: &Request, answer: &Answer, id: &str, usage: Option<Usage>) -> Frames {
    let place = json!({"item_id": "msg_fake", "output_index": 0, "content_index": 0});
    let mut number = 0;
    let mut event = |kind: &str, more: Value| {
        let mut event = json!({"type": kind, "sequence_number": number});
        number += 1;
        for part in [&place, &more] {
            for (name, value) in part.as_object().into_iter().flatten() {
                event[name] = value.clone();
            }
        }
        named(&event)
    };

    let begun = response(request, answer, id, "in_progress", None);
    let opening = vec![
        event("response.created", json!({"response": begun})),
        event("response.in_progress", json!({"response": begun})),
        event(
            "response.output_item.added",
            json!({"item": {"id": "msg_fake", "type": "message",
            "status": "in_progress", "role": "assistant", "content": []}}),
        ),
        event(
            "response.content_part.added",
            json!({"part": {"type": "output_text", "text": "",
            "annotations": []}}),
        ),
    ];

    let pieces = answer
        .pieces()
        .iter()
        .map(|piece| event("response.output_text.delta", json!({"delta": piece, "logprobs": []})))
        .collect();

    let status = ended(answer);

    let error = event(
        "error",
        json!({"code": "server_error", "param": null,
        "message": "The server had an error while processing your request."}),
    );

    let closing = vec![
        event("response.output_text.done", json!({"text": answer.text})),
        event("response.output_item.done", json!({"item": item(answer, status)})),
        event(
            &format!("response.{status}"),
            json!({"response": response(request, answer, id, status, usage)}),
        ),
    ];

    Frames {
        opening,
        pieces,
        closing,
        error,
        malformed: "event: response.output_text.delta\ndata: {\"type\":\n\n".to_owned(),
    }
}

pub(super) fn whole(request: &Request, answer: &Answer, id: &str, usage: Option<Usage>) -> Value {
    response(request, answer, id, ended(answer), usage)
}
