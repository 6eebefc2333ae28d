//! An answer as server-sent events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Request, fault::Fault};
use crate::net::Connection;

/// One thing that happens in a stream.
#[derive(Debug)]
enum Step {
    Send(String),
    Wait(Duration),
    Cut,
}

/// The body of a streamed answer, with the fault that befalls it.
pub(super) fn body(
    request: &Request,
    answer: &Answer,
    id: &str,
    fault: Option<&Fault>,
    connection: Connection,
) -> Body {
    let steps = steps(request, answer, id, fault);
    Body::from_stream(futures::stream::unfold(
        (steps, connection),
        |(mut steps, connection)| async {
            loop {
                match steps.pop_front()? {
                    Step::Send(text) => {
                        return Some((Ok::<_, Infallible>(Bytes::from(text)), (steps, connection)));
                    }
                    Step::Wait(time) => tokio::time::sleep(time).await,
                    Step::Cut => {
                        // What was sent before must have left.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        connection.cut();
                        return std::future::pending().await;
                    }
                }
            }
        },
    ))
}

fn steps(request: &Request, answer: &Answer, id: &str, fault: Option<&Fault>) -> VecDeque<Step> {
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
        event(&chunk.to_string())
    };
    let delta = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        chunk(json!([choice]), Value::Null)
    };
    let mut steps = VecDeque::new();
    steps.push_back(Step::Send(delta(json!({"role": "assistant", "content": ""}), Value::Null)));
    let pieces = answer.pieces();
    for sent in 0..=pieces.len() {
        if let Some(ends) = befall(fault, sent, &mut steps)
            && ends
        {
            return steps;
        }
        let Some(piece) = pieces.get(sent) else { break };
        if !answer.pause.is_zero() {
            steps.push_back(Step::Wait(answer.pause));
        }
        steps.push_back(Step::Send(delta(json!({"content": piece}), Value::Null)));
    }
    steps.push_back(Step::Send(delta(json!({}), json!(answer.finish_reason))));
    if request.include_usage {
        let usage = answer.usage(request);
        steps.push_back(Step::Send(chunk(json!([]), usage.into())));
    }
    steps.push_back(Step::Send(event("[DONE]")));
    steps
}

/// Adds what happens after `sent` pieces. Returns whether the stream ends with it.
fn befall(fault: Option<&Fault>, sent: usize, steps: &mut VecDeque<Step>) -> Option<bool> {
    let (after, step, ends) = match fault? {
        Fault::Silence { after, time } => (*after, Some(Step::Wait(*time)), false),
        Fault::BreakAfter(after) => (*after, Some(Step::Cut), true),
        Fault::EndAfter(after) => (*after, None, true),
        Fault::MalformedAfter(after) => {
            (*after, Some(Step::Send(event("{\"choices\":[{\"delta\":"))), false)
        }
        Fault::ErrorAfter(after) => {
            let error = json!({"error": {
                "message": "The server had an error while processing your request.",
                "type": "server_error", "param": null, "code": null,
            }});
            (*after, Some(Step::Send(event(&error.to_string()))), true)
        }
        _ => return None,
    };
    if after != sent {
        return None;
    }
    steps.extend(step);
    Some(ends)
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}
