//! The model that fails on order.

use std::time::{Duration, Instant};

use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault};
use serde_json::Value;

use crate::openai::{ask, events, question, text};

async fn model() -> FakeOpenAi {
    let builder = FakeOpenAi::builder().answer(|_| Answer::text("one two three four"));
    builder.start().await.unwrap()
}

#[tokio::test]
async fn statuses_come_in_the_order_they_were_ordered_and_then_it_works() {
    let model = model().await;
    model.inject(ModelFault::Status { code: 429, retry_after: Some(7) });
    for code in [500, 503, 401] {
        model.inject(ModelFault::status(code));
    }
    let first = ask(&model, &question(true)).await.unwrap();
    assert_eq!(first.status(), 429);
    assert_eq!(first.headers()["retry-after"], "7");
    let body: Value = first.json().await.unwrap();
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    for code in [500, 503, 401] {
        let response = ask(&model, &question(true)).await.unwrap();
        assert_eq!(response.status(), code);
        let body: Value = response.json().await.unwrap();
        assert!(body["error"]["message"].is_string());
    }
    assert_eq!(ask(&model, &question(true)).await.unwrap().status(), 200);
    assert_eq!(model.faults_left(), 0);
    assert_eq!(model.request_count(), 5);
}

#[tokio::test]
async fn a_stream_breaks_after_as_many_pieces_as_ordered() {
    for pieces in [0, 2, 4] {
        let model = model().await;
        model.inject(ModelFault::BreakAfter(pieces));
        let (events, broke) = events(ask(&model, &question(true)).await.unwrap()).await;
        assert!(broke);
        assert_eq!(events.len(), 1 + pieces);
        assert!(!events.contains(&"[DONE]".to_owned()));
    }
}

#[tokio::test]
async fn a_connection_breaks_instead_of_an_answer() {
    let model = model().await;
    for fault in [ModelFault::Break, ModelFault::BreakAfter(1)] {
        model.inject(fault);
        assert!(ask(&model, &question(false)).await.is_err());
    }
    model.inject(ModelFault::Break);
    assert!(ask(&model, &question(true)).await.is_err());
}

#[tokio::test]
async fn a_stream_ends_early_without_breaking() {
    let model = model().await;
    model.inject(ModelFault::EndAfter(2));
    let (events, broke) = events(ask(&model, &question(true)).await.unwrap()).await;
    assert!(!broke);
    assert_eq!(text(&events), "one two ");
    assert!(!events.contains(&"[DONE]".to_owned()));
}

#[tokio::test]
async fn a_malformed_piece_and_an_error_come_in_the_middle_of_a_stream() {
    let model = model().await;
    model.inject(ModelFault::MalformedAfter(1));
    model.inject(ModelFault::ErrorAfter(1));
    let (malformed, _) = events(ask(&model, &question(true)).await.unwrap()).await;
    assert!(serde_json::from_str::<Value>(&malformed[2]).is_err());
    assert_eq!(text(&malformed), "one two three four");
    let (failed, broke) = events(ask(&model, &question(true)).await.unwrap()).await;
    assert!(!broke && failed.last().unwrap().contains("server_error"));
    assert_eq!(text(&failed), "one ");
}

#[tokio::test]
async fn it_is_late_or_falls_silent() {
    let model = model().await;
    let pause = Duration::from_millis(150);
    model.inject(ModelFault::DelayFirst(pause));
    let start = Instant::now();
    ask(&model, &question(true)).await.unwrap();
    assert!(start.elapsed() >= pause);

    // What comes before the silence does not wait for its end, which would not come today.
    model.inject(ModelFault::Silence { after: 2, time: Duration::from_hours(24) });
    drop(ask(&model, &question(true)).await.unwrap());

    model.inject(ModelFault::Silence { after: 2, time: pause });
    let start = Instant::now();
    let response = ask(&model, &question(true)).await.unwrap();
    let (events, _) = events(response).await;
    assert!(start.elapsed() >= pause);
    assert_eq!(text(&events), "one two three four");
}

#[tokio::test]
async fn it_hangs() {
    let model = model().await;
    model.inject(ModelFault::Hang);
    let body = question(true);
    let answer = ask(&model, &body);
    assert!(tokio::time::timeout(Duration::from_millis(100), answer).await.is_err());
}

#[tokio::test]
async fn it_answers_with_a_page_or_with_far_too_much() {
    let model = model().await;
    model.inject(ModelFault::WrongContentType);
    let page = ask(&model, &question(true)).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    for stream in [true, false] {
        model.inject(ModelFault::Huge(3_000_000));
        let huge = ask(&model, &question(stream)).await.unwrap();
        assert!(huge.bytes().await.unwrap().len() >= 3_000_000);
    }
}
