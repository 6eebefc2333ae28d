//! The server that speaks Anthropic's protocol.

use replyx_testkit::{
    anthropic::FakeAnthropic,
    http_client,
    openai::{Answer, ModelFault},
};
use reqwest::Response;
use serde_json::{Value, json};

use crate::openai::events;

async fn ask(model: &FakeAnthropic, body: &Value) -> Response {
    let address = format!("{}/v1/messages", model.base_url());
    let request = http_client().post(address).header("anthropic-version", "2023-06-01");
    request.header("x-api-key", "sk-test").json(body).send().await.unwrap()
}

fn question(stream: bool) -> Value {
    json!({
        "model": "claude-haiku-4-5", "max_tokens": 100, "stream": stream, "system": "Be brief.",
        "messages": [{"role": "user", "content": "When?"}],
    })
}

#[tokio::test]
async fn a_stream_has_the_events_of_the_api_in_their_order() {
    let model = FakeAnthropic::start().await;
    model.answer(|request| Answer::text(format!("{} At nine.", request.question())).costing(11, 4));
    let (events, broke) = events(ask(&model, &question(true)).await).await;
    assert!(!broke);
    let events: Vec<Value> =
        events.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let pieces = ["content_block_delta"; 3];
    let opening = ["message_start", "content_block_start", "ping"];
    let closing = ["content_block_stop", "message_delta", "message_stop"];
    assert_eq!(kinds, [opening, pieces, closing].concat());
    let read = &events[0]["message"]["usage"];
    let counted =
        ["input_tokens", "cache_read_input_tokens"].map(|name| read[name].as_u64().unwrap());
    assert_eq!(counted.iter().sum::<u64>(), 11);
    assert_eq!(events[7]["usage"]["output_tokens"], 4);
    assert_eq!(events[7]["delta"]["stop_reason"], "end_turn");
    assert_eq!(model.requests()[0].messages[0].content, "Be brief.");
    assert!(model.violations().is_empty());
}

#[tokio::test]
async fn an_answer_comes_in_one_piece_too() {
    let model = FakeAnthropic::start().await;
    model.answer(|_| Answer::text("Nine.").finished_by("length"));
    let body: Value = ask(&model, &question(false)).await.json().await.unwrap();
    assert_eq!(
        (&body["content"][0]["text"], &body["stop_reason"]),
        (&"Nine.".into(), &"max_tokens".into())
    );
}

#[tokio::test]
async fn what_is_not_a_request_of_the_api_is_refused() {
    let model = FakeAnthropic::start().await;
    let with = |name: &str, value: Value| {
        let mut body = question(true);
        body[name] = value;
        body
    };
    let said = |roles: &[&str]| -> Value {
        roles.iter().map(|role| json!({"role": role, "content": "x"})).collect()
    };
    let bodies = [
        with("max_tokens", Value::Null),
        with("temperature", json!(1.5)),
        with("stream_options", json!({})),
        with("messages", json!([])),
        with("messages", said(&["assistant"])),
        with("messages", said(&["user", "user"])),
        with("messages", said(&["system", "user"])),
        with("messages", json!([{"role": "user", "content": " "}])),
    ];
    for body in &bodies {
        let response = ask(&model, body).await;
        assert_eq!(response.status(), 400, "{body}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (&body["type"], &body["error"]["type"]),
            (&"error".into(), &"invalid_request_error".into())
        );
    }
    assert_eq!((model.violations().len(), model.request_count()), (bodies.len(), 0));
}

#[tokio::test]
async fn failures_are_told_in_the_words_of_the_api() {
    let model = FakeAnthropic::start().await;
    for (fault, code, kind) in [
        (ModelFault::status(529), 529, "overloaded_error"),
        (ModelFault::status(429), 429, "rate_limit_error"),
        (ModelFault::status(401), 401, "authentication_error"),
        (ModelFault::QuotaSpent, 400, "invalid_request_error"),
    ] {
        model.inject(fault);
        let response = ask(&model, &question(true)).await;
        assert_eq!(response.status(), code);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["type"], kind);
    }
    model.inject(ModelFault::ErrorAfter(1));
    let (events, _) = events(ask(&model, &question(true)).await).await;
    assert!(events.last().unwrap().contains("overloaded_error"));
    model.revoke_key("sk-test");
    assert_eq!(ask(&model, &question(true)).await.status(), 401);
}
