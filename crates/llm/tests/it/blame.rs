//! Whose fault it is: a question must not shut a key or a provider for everybody, and what was paid
//! is in the books.

use std::time::Duration;

use replyx_core::{clock::Clock, money::Money};
use replyx_live::Live;
use replyx_llm::{
    AdmissionLimits, ChatRequest, Dialect, KeyEvent, Limits, ModelError, Models, ModelsConfig,
};
use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault, RetryAfter};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpListener, time::sleep};

use crate::{
    failover::{ask, fake, limits, models, to},
    provider::{KEY, accept, base_of, event_stream, install_tls, request, serve},
};

/// Two providers that speak chat completions.
fn two(first: String, second: String) -> Models {
    let config = ModelsConfig::default().with("first", Dialect::Completions, first, KEY).with(
        "second",
        Dialect::Completions,
        second,
        KEY,
    );
    models(config, &Live::in_process())
}

/// As [`models`], with bounds that a busy machine keeps.
fn patient(config: ModelsConfig) -> Models {
    install_tls();
    let limits = Limits {
        first_token: Duration::from_secs(2),
        silence: Duration::from_secs(2),
        attempt: Duration::from_secs(15),
        ..limits()
    };
    let config = ModelsConfig { limits, ..config };
    Models::new(config, Live::in_process(), Clock::system()).unwrap()
}

fn both() -> ChatRequest {
    to(&["first:gpt-4o-mini", "second:gpt-4o-mini"])
}

/// Events of chat completions, as bytes of an answer.
fn chunks(events: &[Value]) -> String {
    let lines: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    event_stream(&lines.concat())
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

#[tokio::test]
async fn a_question_that_gets_no_words_or_is_forbidden_shuts_nothing() {
    for (fault, reason) in [(ModelFault::Empty, "empty"), (ModelFault::status(403), "unauthorized")]
    {
        let first = fake("Nine.").await;
        let second = fake("At nine.").await;
        let models = two(first.base_url(), second.base_url());
        for _ in 0..5 {
            first.inject(fault.clone());
            let answer = ask(&models, &both()).await.0.unwrap();
            assert_eq!((answer.provider.as_str(), answer.attempts), ("second", 2), "{fault:?}");
            assert_eq!(answer.spent[0].outcome, reason);
        }
        let answer = ask(&models, &both()).await.0.unwrap();
        assert_eq!((answer.provider.as_str(), answer.attempts), ("first", 1), "{fault:?}");
    }
}

#[tokio::test]
async fn a_withheld_answer_is_paid_for() {
    let first = fake("").await;
    let second = fake("At nine.").await;
    first.answer(|_| Answer::text("").finished_by("content_filter"));
    let config = ModelsConfig::default()
        .with("openai", Dialect::Completions, first.base_url(), KEY)
        .with("second", Dialect::Completions, second.base_url(), KEY);
    let models = models(config, &Live::in_process());
    let answer = ask(&models, &to(&["gpt-4o-mini", "second:gpt-4o-mini"])).await.0.unwrap();
    assert_eq!(answer.spent[0].outcome, "filtered");
    assert!(answer.spent[0].cost > Money::ZERO, "{:?}", answer.spent[0]);
}

#[tokio::test]
async fn what_a_stream_tells_is_taken_as_if_a_status_had_told_it() {
    for (error, reason) in [
        (json!({"code": 429, "message": "Rate limit exceeded"}), "rate_limited"),
        (json!({"code": "rate_limit_exceeded", "message": "x"}), "rate_limited"),
        (json!({"code": "insufficient_quota", "message": "x"}), "quota"),
        (json!({"type": "authentication_error", "message": "x"}), "unauthorized"),
        (json!({"code": "invalid_prompt", "message": "x"}), "filtered"),
        (json!({"code": 502, "message": "Bad gateway"}), "failed"),
        (json!("overloaded"), "failed"),
    ] {
        let first = serve(chunks(&[json!({"error": error})])).await;
        let second = fake("At nine.").await;
        let models = two(first, second.base_url());
        let answer = ask(&models, &both()).await.0.unwrap();
        assert_eq!(answer.spent[0].outcome, reason, "{error}");
    }
}

#[tokio::test]
async fn a_long_cool_down_is_obeyed_as_told() {
    let server = fake("Nine.").await;
    let config =
        ModelsConfig::default().with("first", Dialect::Completions, server.base_url(), KEY);
    let models = models(config, &Live::in_process());
    let mut events = models.key_events();
    server.inject(ModelFault::RateLimited(RetryAfter::Seconds(7_200)));
    ask(&models, &to(&["first:gpt-4o-mini"])).await.0.unwrap_err();
    let KeyEvent::CoolingDown { time, .. } = events.try_recv().unwrap() else { panic!() };
    assert_eq!(time, Duration::from_hours(2));
}

#[tokio::test]
async fn thinking_is_a_sign_of_life() {
    // Each pause is shorter than a silence may be, all of them longer than the first word may take.
    for field in ["reasoning_content", "reasoning"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = base_of(&listener);
        tokio::spawn(async move {
            let mut socket = accept(&listener).await;
            let head = event_stream("");
            socket.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..4 {
                let thought = delta(&json!({field: "Hm."}));
                socket.write_all(format!("data: {thought}\n\n").as_bytes()).await.unwrap();
                sleep(Duration::from_millis(700)).await;
            }
            let said = json!({"choices": [{"index": 0, "delta": {"content": "Nine."}, "finish_reason": "stop"}]});
            let end = format!("data: {said}\n\ndata: [DONE]\n\n");
            socket.write_all(end.as_bytes()).await.unwrap();
        });
        let config = ModelsConfig::default().with("first", Dialect::Completions, base, KEY);
        let models = patient(config);
        let (answer, shown) = ask(&models, &to(&["first:gpt-4o-mini"])).await;
        assert_eq!((answer.unwrap().attempts, shown.as_str()), (1, "Nine."), "{field}");
    }
}

#[tokio::test]
async fn a_question_with_a_time_of_its_own_ends_in_it_and_is_paid_for() {
    let server = fake("").await;
    server.answer(|_| {
        Answer::text("We open at nine").in_pieces_of(2).paced(Duration::from_millis(100))
    });
    let config =
        ModelsConfig::default().with("openai", Dialect::Completions, server.base_url(), KEY);
    let models = models(config, &Live::in_process());
    let asked = ChatRequest { within: Some(Duration::from_millis(350)), ..request("gpt-4o-mini") };
    let failure = ask(&models, &asked).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::Timeout(_)), "{failure:?}");
    assert!(failure.spent[0].cost > Money::ZERO, "{failure:?}");
}

/// The time a provider took to fail is not time that was waited for a place at the next one.
#[tokio::test]
async fn a_provider_that_hangs_leaves_the_next_one_its_queue() {
    let first = fake("").await;
    let second = fake("").await;
    second.answer(|_| Answer::text("At nine").in_pieces_of(2).paced(Duration::from_millis(200)));
    let admission = AdmissionLimits {
        provider: 1,
        wait: Duration::from_millis(1_900),
        ..AdmissionLimits::default()
    };
    let config = ModelsConfig { admission, ..ModelsConfig::default() }
        .with("first", Dialect::Completions, first.base_url(), KEY)
        .with("second", Dialect::Completions, second.base_url(), KEY);
    let models = patient(config);
    first.inject(ModelFault::Hang);
    let other = async {
        until_asked(&first).await;
        sleep(Duration::from_millis(1_500)).await;
        ask(&models, &to(&["second:gpt-4o-mini"])).await.0.unwrap();
    };
    let asked = both();
    let ((answer, _), ()) = tokio::join!(ask(&models, &asked), other);
    assert_eq!(answer.unwrap().provider, "second");
}

async fn until_asked(server: &FakeOpenAi) {
    while server.request_count() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
}
