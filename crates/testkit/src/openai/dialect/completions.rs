//! Chat completions.

use serde_json::{Value, json};

use super::{Frames, data};
use crate::openai::{Answer, Request, Usage};

fn counts(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
    })
}

pub(super) fn frames(request: &Request, answer: &Answer, id: &str, usage: Option<Usage>) -> Frames {
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": 0,
            "model": request.model,
            "system_fingerprint": "fp_fake",
            "choices": choices,
        });
        if request.include_usage {
            chunk["usage"] = usage;
        }
        data(&chunk)
    };

    let delta = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        chunk(json!([choice]), Value::Null)
    };

    let mut closing = vec![delta(json!({}), json!(answer.finish_reason))];
    if let Some(usage) = usage.filter(|_| request.include_usage) {
        closing.push(chunk(json!([]), counts(usage)));
    }

    closing.push("data: [DONE]\n\n".to_owned());
    let error = json!({"error": {
        "message": "The server had an error while processing your request.",
        "type": "server_error", "param": null, "code": null,
    }});

    Frames {
        opening: vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)],
        pieces: answer
            .pieces()
            .iter()
            .map(|piece| delta(json!({"content": piece}), Value::Null))
            .collect(),
        closing,
        error: data(&error),
        malformed: "data: {\"choices\":[{\"delta\":\n\n".to_owned(),
    }
}

pub(super) fn whole(request: &Request, answer: &Answer, id: &str, usage: Usage) -> Value {
    json!({
        "id": id,
        "object": "chat.completion",
        "created": 0,
        "model": request.model,
        "system_fingerprint": "fp_fake",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": answer.text, "refusal": null},
            "logprobs": null,
            "finish_reason": answer.finish_reason,
        }],
        "usage": counts(usage),
    })
}
