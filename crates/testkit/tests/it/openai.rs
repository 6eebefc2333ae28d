//! The model that works.

use std::time::{Duration, Instant};

use eventsource_stream::Eventsource;
use futures::StreamExt;
use replyx_testkit::{
    http_client,
    openai::{Answer, FakeOpenAi},
};
use reqwest::Response;
use serde_json::{Value, json};

/// Asks for a completion.
pub(crate) async fn ask(model: &FakeOpenAi, body: &Value) -> reqwest::Result<Response> {
    let address = format!("{}/chat/completions", model.base_url());
    http_client().post(address).bearer_auth("sk-test").json(body).send().await
}

pub(crate) fn question(stream: bool) -> Value {
    json!({
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}],
        "stream": stream,
    })
}

/// What a stream carried until it ended or broke: the `data` of its events, and whether it broke.
pub(crate) async fn events(response: Response) -> (Vec<String>, bool) {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream().eventsource();
    let mut found = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => found.push(event.data),
            Err(_) => return (found, true),
        }
    }
    (found, false)
}

pub(crate) fn text(events: &[String]) -> String {
    let chunks = events.iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
    chunks.filter_map(|c| c["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn an_answer_comes_in_one_piece() {
    let model = FakeOpenAi::start().await;
    model.answer(|request| {
        Answer::text(format!("{} At nine.", request.question()))
            .costing(10, 3)
            .finished_by("length")
    });
    let body: Value = ask(&model, &question(false)).await.unwrap().json().await.unwrap();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["message"]["content"], "When? At nine.");
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13});
    assert_eq!(body["usage"], usage);
    assert_eq!(model.request_count(), 1);
    assert!(model.violations().is_empty());
}

#[tokio::test]
async fn a_stream_has_the_shape_of_the_apis() {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("Мы открыты с девяти").costing(10, 4));
    let mut body = question(true);
    body["stream_options"] = json!({"include_usage": true});
    let (events, broke) = events(ask(&model, &body).await.unwrap()).await;
    assert!(!broke);
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(done, "[DONE]");
    let chunks: Vec<Value> =
        chunks.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(chunks.len(), 1 + 4 + 1 + 1);
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "stop");
    assert!(chunks[..6].iter().all(|chunk| chunk["usage"].is_null()));
    assert_eq!(chunks[6]["choices"], json!([]));
    assert_eq!(chunks[6]["usage"]["total_tokens"], 14);
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk"));
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]));
    assert_eq!(text(&events), "Мы открыты с девяти");
}

#[tokio::test]
async fn usage_is_streamed_only_when_asked_for() {
    let model = FakeOpenAi::start().await;
    let (events, _) = events(ask(&model, &question(true)).await.unwrap()).await;
    assert!(events.iter().all(|data| !data.contains("usage")));
}

#[tokio::test]
async fn pieces_come_at_the_pace_and_in_the_size_that_was_ordered() {
    let model = FakeOpenAi::start().await;
    let paced = |pause| move |_: &_| Answer::text("abcdef").in_pieces_of(2).paced(pause);

    // The head does not wait for the end, which would not come today.
    model.answer(paced(Duration::from_hours(24)));
    drop(ask(&model, &question(true)).await.unwrap());

    model.answer(paced(Duration::from_millis(200)));
    let start = Instant::now();
    let response = ask(&model, &question(true)).await.unwrap();
    let (events, _) = events(response).await;
    assert_eq!(text(&events), "abcdef");
    assert!(start.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn without_a_script_the_first_passage_is_quoted() {
    let model = FakeOpenAi::start().await;
    let with_data = json!({"model": "gpt-4o", "messages": [
        {"role": "system", "content": "Use the data.\n<passage id=\"1\">From nine to six.</passage>"},
        {"role": "user", "content": [{"type": "text", "text": "When?"}]},
    ]});
    for (body, expected) in
        [(with_data, "From nine to six. [1]"), (question(false), "You said: When?")]
    {
        let body: Value = ask(&model, &body).await.unwrap().json().await.unwrap();
        assert_eq!(body["choices"][0]["message"]["content"], expected);
    }
    assert_eq!(model.requests()[0].question(), "When?");
}

#[tokio::test]
async fn only_the_right_key_is_let_in() {
    let model = FakeOpenAi::builder().key("sk-right").start().await.unwrap();
    let client = http_client();
    for path in ["models", "chat/completions"] {
        let address = format!("{}/{path}", model.base_url());
        let request = || match path {
            "models" => client.get(&address),
            _ => client.post(&address).json(&question(false)),
        };
        let wrong = request().bearer_auth("sk-wrong").send().await.unwrap();
        assert_eq!(wrong.status(), 401);
        let body: Value = wrong.json().await.unwrap();
        assert_eq!(body["error"]["code"], "invalid_api_key");
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert_eq!(request().send().await.unwrap().status(), 401);
        assert_eq!(request().bearer_auth("sk-right").send().await.unwrap().status(), 200);
    }
    assert_eq!(model.request_count(), 1);
}

#[tokio::test]
async fn models_are_listed_and_unknown_ones_do_not_exist() {
    let model = FakeOpenAi::builder().models(["small"]).start().await.unwrap();
    let list = http_client().get(format!("{}/models", model.base_url())).bearer_auth("sk-test");
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["data"][0]["id"], "small");
    let response = ask(&model, &question(false)).await.unwrap();
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_and_remembered() {
    let model = FakeOpenAi::start().await;
    let mut odd = question(false);
    odd["top_k"] = json!(4);
    let mut hot = question(false);
    hot["temperature"] = json!(2.5);
    for (body, parameter) in [(odd, "top_k"), (hot, "temperature"), (json!({}), "model")] {
        let response = ask(&model, &body).await.unwrap();
        assert_eq!(response.status(), 400);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["param"], parameter);
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    let address = format!("{}/completions", model.base_url());
    let response = http_client().post(address).bearer_auth("sk-test").send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(model.violations().len(), 4);
    assert_eq!(model.request_count(), 0);
}

#[tokio::test]
async fn the_history_of_requests_is_bounded() {
    let model = FakeOpenAi::builder().history(2).start().await.unwrap();
    for i in 0..4 {
        let body =
            json!({"model": "gpt-4o", "messages": [{"role": "user", "content": i.to_string()}]});
        ask(&model, &body).await.unwrap();
    }
    let questions: Vec<String> =
        model.requests().iter().map(|request| request.question().to_owned()).collect();
    assert_eq!(questions, ["2", "3"]);
    assert_eq!(model.request_count(), 4);
}
