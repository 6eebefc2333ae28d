//! The server's embeddings.

use replyx_testkit::{
    http_client,
    openai::{FakeOpenAi, ModelFault, embedding},
};
use reqwest::Response;
use serde_json::{Value, json};

async fn ask(model: &FakeOpenAi, body: &Value) -> Response {
    let address = format!("{}/embeddings", model.base_url());
    http_client().post(address).bearer_auth("sk-test").json(body).send().await.unwrap()
}

fn of(input: &Value) -> Value {
    json!({"model": "text-embedding-3-small", "input": input, "encoding_format": "float"})
}

#[tokio::test]
async fn texts_become_vectors_in_order() {
    let model = FakeOpenAi::start().await;
    let body: Value =
        ask(&model, &of(&json!(["We open at nine", "x"]))).await.json().await.unwrap();
    let vector = |i: usize| -> Vec<f32> {
        serde_json::from_value(body["data"][i]["embedding"].clone()).unwrap()
    };
    assert_eq!(vector(0).len(), 1_536);
    assert_eq!(
        (vector(0), vector(1)),
        (embedding("We open at nine", 1_536), embedding("x", 1_536))
    );
    assert_eq!(
        (&body["data"][1]["index"], &body["usage"]["prompt_tokens"]),
        (&1.into(), &5.into())
    );
    let asked = &model.embedding_requests()[0];
    assert_eq!((asked.input.len(), asked.dimensions, asked.key.as_str()), (2, 1_536, "sk-test"));
    assert!(model.violations().is_empty());
}

#[tokio::test]
async fn vectors_come_as_short_as_ordered_and_packed() {
    let model = FakeOpenAi::start().await;
    let asked = json!({"model": "text-embedding-3-large", "input": "x", "dimensions": 4,
        "encoding_format": "base64"});
    let body: Value = ask(&model, &asked).await.json().await.unwrap();
    assert_eq!(body["data"][0]["embedding"].as_str().unwrap().len(), 24);
}

#[tokio::test]
async fn its_faults_are_ordered_apart_from_those_of_answers() {
    let model = FakeOpenAi::start().await;
    model.inject(ModelFault::status(500));
    assert_eq!(ask(&model, &of(&json!("x"))).await.status(), 200);
    model.inject_embedding(ModelFault::Status { code: 429, retry_after: Some(3) });
    let limited = ask(&model, &of(&json!("x"))).await;
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    assert_eq!(model.faults_left(), 1);
}

#[tokio::test]
async fn too_much_at_once_is_refused_and_remembered() {
    let model = FakeOpenAi::start().await;
    for input in [json!(vec!["x"; 2_049]), json!(""), json!(["x".repeat(40_000)])] {
        assert_eq!(ask(&model, &of(&input)).await.status(), 400);
    }
    assert_eq!(model.violations().len(), 3);
    let unknown = json!({"model": "no-such-model", "input": "x"});
    assert_eq!(ask(&model, &unknown).await.status(), 404);
}
