//! Anthropic's protocol against its fake, and against what the real server was seen to send.

use std::time::Duration;

use proptest::prelude::*;
use replyx_core::retry::Retry;
use replyx_llm::{
    Anthropic, AnthropicConfig, ChatMessage, ChatRequest, ChatRole, Finish, ModelError, Refusal,
};
use replyx_testkit::{
    anthropic::FakeAnthropic,
    openai::{Answer, ModelFault, RetryAfter},
};
use secrecy::SecretString;

use crate::provider::{
    KEY, answer, event_stream, failure, install_tls, quick, read, request, serve, serve_cut, told,
    usage,
};

const MODEL: &str = "claude-haiku-4-5";

/// As in the provider's documentation of streaming, with thinking before the text.
const TRANSCRIPT: &str = r#"event: message_start
data: {"type": "message_start", "message": {"id": "msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY", "type": "message", "role": "assistant", "content": [], "model": "claude-sonnet-4-5", "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 25, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 70, "output_tokens": 1}}}

event: content_block_start
data: {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}

event: content_block_delta
data: {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me think"}}

event: content_block_delta
data: {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"}}

event: content_block_stop
data: {"type": "content_block_stop", "index": 0}

event: content_block_start
data: {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}}

event: content_block_delta
data: {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "! Привет, 世界 😀"}}

event: content_block_stop
data: {"type": "content_block_stop", "index": 1}

event: message_delta
data: {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence":null}, "usage": {"output_tokens": 15}}

event: message_stop
data: {"type": "message_stop"}

"#;

fn claude(base_url: String) -> Anthropic {
    install_tls();
    let config = AnthropicConfig { api_key: SecretString::from(KEY), base_url };
    Anthropic::new(config, &quick()).unwrap()
}

fn transcript_is_read(read: &crate::provider::Read) {
    assert_eq!(read.text, "Hello! Привет, 世界 😀");
    assert_eq!((read.usage, read.finish), (Some(usage(100, 15)), Some(Finish::Stop)));
}

#[tokio::test]
async fn an_answer_is_asked_for_and_read() {
    let server = FakeAnthropic::start().await;
    server.answer(|_| Answer::text("Мы открываемся в девять.").costing(1_001, 101));
    let asked = ChatRequest { temperature: 1.7, ..request(MODEL) };

    let read = answer(&claude(server.base_url()), &asked).await;

    assert_eq!(read.text, "Мы открываемся в девять.");
    assert_eq!((read.usage, read.finish), (Some(usage(1_001, 101)), Some(Finish::Stop)));
    assert_eq!(server.violations(), Vec::<String>::new());
    let sent = &server.requests()[0];
    assert_eq!((sent.temperature, sent.max_tokens, sent.key.as_str()), (Some(1.0), Some(300), KEY));
    assert_eq!(sent.body["system"], "Answer from the sources.");
    assert_eq!(sent.body["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_base_with_a_version_is_understood() {
    let server = FakeAnthropic::start().await;
    answer(&claude(format!("{}/v1/", server.base_url())), &request(MODEL)).await;
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn any_conversation_is_brought_into_the_form_the_protocol_wants() {
    let server = FakeAnthropic::start().await;
    let model = claude(server.base_url());
    let said = |said: &[(ChatRole, &str)]| -> Vec<ChatMessage> {
        let message = |(role, text): &(ChatRole, &str)| ChatMessage {
            role: *role,
            content: (*text).to_owned(),
        };
        said.iter().map(message).collect()
    };
    use ChatRole::{Assistant, System, User};
    for messages in [
        said(&[(Assistant, "Hello!"), (User, "Hi"), (User, "When?")]),
        said(&[(System, "a"), (System, "b"), (User, " "), (Assistant, ""), (User, "When?")]),
        said(&[(User, "a"), (System, "rule"), (User, "b")]),
        said(&[(System, "only")]),
    ] {
        answer(&model, &ChatRequest { messages, ..request(MODEL) }).await;
    }
    assert_eq!(server.violations(), Vec::<String>::new());
    assert_eq!(server.requests()[1].body["system"], "a\n\nb");
}

#[tokio::test]
async fn a_documented_answer_is_read_and_so_is_one_with_other_line_ends() {
    let model = claude(serve(event_stream(TRANSCRIPT)).await);
    transcript_is_read(&answer(&model, &request(MODEL)).await);
    let model = claude(serve(event_stream(&TRANSCRIPT.replace('\n', "\r\n"))).await);
    transcript_is_read(&answer(&model, &request(MODEL)).await);
}

#[tokio::test]
async fn a_model_that_reasons_gets_room_for_it_and_no_temperature() {
    let server = FakeAnthropic::start().await;
    answer(&claude(server.base_url()), &request("claude-opus-5-5")).await;
    let sent = &server.requests()[0];
    assert_eq!((sent.temperature, &sent.body["output_config"]["effort"]), (None, &"low".into()));
    assert!(sent.max_tokens.unwrap() > 1_000);
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_temperature_is_left_out_from_then_on() {
    let builder = FakeAnthropic::builder().without_parameter("temperature");
    let server = FakeAnthropic::start_with(builder).await.unwrap();
    let model = claude(server.base_url());
    for _ in 0..2 {
        answer(&model, &request(MODEL)).await;
    }
    assert!(server.requests().iter().all(|sent| sent.temperature.is_none()));
}

#[tokio::test]
async fn each_way_of_failing_has_its_error() {
    let server = FakeAnthropic::start().await;
    server.answer(|_| Answer::text("one two three four"));
    let model = claude(server.base_url());
    for (fault, reason, before) in [
        (ModelFault::status(401), "unauthorized", ""),
        (ModelFault::status(403), "unauthorized", ""),
        (ModelFault::status(404), "refused", ""),
        (ModelFault::status(500), "server_error", ""),
        (ModelFault::status(529), "server_error", ""),
        (ModelFault::status(429), "rate_limited", ""),
        (ModelFault::QuotaSpent, "quota", ""),
        (ModelFault::Break, "broken", ""),
        (ModelFault::WrongContentType, "content_type", ""),
        (ModelFault::Garbage, "malformed", ""),
        (ModelFault::BreakAfter(2), "broken", "one two "),
        (ModelFault::EndAfter(4), "broken", "one two three four"),
        (ModelFault::MalformedAfter(1), "malformed", "one "),
        (ModelFault::ErrorAfter(3), "failed", "one two three "),
    ] {
        server.inject(fault.clone());
        let (read, end) = read(&model, &request(MODEL)).await;
        assert_eq!((end.unwrap_err().reason(), read.text.as_str()), (reason, before), "{fault:?}");
    }
    server.inject(ModelFault::NoUsage);
    assert_eq!(answer(&model, &request(MODEL)).await.usage, None);
    server.inject(ModelFault::Empty);
    assert_eq!(answer(&model, &request(MODEL)).await.text, "");
}

#[tokio::test]
async fn overload_can_be_retried_and_a_spent_balance_cannot() {
    let server = FakeAnthropic::start().await;
    let model = claude(server.base_url());
    server.inject(ModelFault::status(529));
    assert_eq!(failure(&model, &request(MODEL)).await.retry(), Retry::After(Duration::ZERO));
    server.inject(ModelFault::QuotaSpent);
    let spent = failure(&model, &request(MODEL)).await;
    assert!(matches!(spent, ModelError::Refused { kind: Refusal::Quota, .. }));
    assert_eq!(spent.retry(), Retry::Never);
    server.inject(ModelFault::RateLimited(RetryAfter::Date(40)));
    assert_eq!(
        failure(&model, &request(MODEL)).await.retry(),
        Retry::After(Duration::from_secs(40))
    );
}

#[tokio::test]
async fn a_cut_answer_is_taken_and_a_withheld_one_is_not() {
    let server = FakeAnthropic::start().await;
    let model = claude(server.base_url());
    server.answer(|_| Answer::text("one two").finished_by("length"));
    assert_eq!(answer(&model, &request(MODEL)).await.finish, Some(Finish::Length));
    server.answer(|_| Answer::text("one two").finished_by("content_filter"));
    assert!(matches!(failure(&model, &request(MODEL)).await, ModelError::Filtered));
}

#[tokio::test]
async fn no_error_tells_the_key() {
    let body =
        format!("{{\"type\":\"error\",\"error\":{{\"message\":\"invalid x-api-key {KEY}\"}}}}");
    let length = body.len();
    let head = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close";
    let base = serve(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    let model = claude(base);
    let told = told(&failure(&model, &request(MODEL)).await);
    assert!(!told.contains(KEY) && told.contains("invalid x-api-key [key]"), "{told}");
    assert!(!format!("{model:?}").contains(KEY));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_answer(cuts in prop::collection::vec(0..2_600_usize, 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bytes = event_stream(TRANSCRIPT).into_bytes();
            let cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
            let model = claude(serve_cut(bytes, &cuts).await);
            transcript_is_read(&answer(&model, &request(MODEL)).await);
        });
    }
}
