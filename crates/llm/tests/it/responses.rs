//! The Responses protocol against its fake, and against what the real server was seen to send.

use replyx_llm::{Finish, ModelError, Protocol, Refusal};
use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault};

use crate::provider::{
    QUESTION, answer, event_stream, failure, openai, read, request, serve, usage,
};

/// As in the provider's documentation of streaming, shortened.
const TRANSCRIPT: &str = r#"event: response.created
data: {"type":"response.created","response":{"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","created_at":1741290958,"status":"in_progress","error":null,"incomplete_details":null,"instructions":"You are a helpful assistant.","max_output_tokens":null,"model":"gpt-4.1-2025-04-14","output":[],"parallel_tool_calls":true,"store":true,"temperature":1.0,"usage":null,"user":null,"metadata":{}}}

event: response.in_progress
data: {"type":"response.in_progress","response":{"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","status":"in_progress","output":[],"usage":null}}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":0,"item":{"id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","type":"message","status":"in_progress","role":"assistant","content":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"delta":"Hi"}

event: response.output_text.delta
data: {"type":"response.output_text.delta","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"delta":" there!"}

event: response.output_text.done
data: {"type":"response.output_text.done","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"text":"Hi there!"}

event: response.completed
data: {"type":"response.completed","response":{"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","status":"completed","output":[{"id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi there!","annotations":[]}]}],"usage":{"input_tokens":37,"output_tokens":11,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":48}}}

"#;

#[tokio::test]
async fn an_answer_is_asked_for_and_read() {
    let server = FakeOpenAi::start().await;
    server.answer(|_| Answer::text("Мы открываемся в девять.").costing(1_000, 101));
    let model = openai(server.base_url(), Protocol::Responses);

    let read = answer(&model, &request("gpt-4o")).await;

    assert_eq!(read.text, "Мы открываемся в девять.");
    assert_eq!((read.usage, read.finish), (Some(usage(1_000, 101)), Some(Finish::Stop)));
    assert_eq!(server.violations(), Vec::<String>::new());
    let sent = &server.requests()[0];
    assert_eq!(
        (sent.temperature, sent.max_tokens, sent.question()),
        (Some(0.2), Some(300), QUESTION)
    );
    // Nothing of the conversation stays with the provider.
    assert_eq!(sent.body["store"], false);
}

#[tokio::test]
async fn a_documented_answer_is_read() {
    let model = openai(serve(event_stream(TRANSCRIPT)).await, Protocol::Responses);
    let read = answer(&model, &request("gpt-4.1")).await;
    assert_eq!((read.text.as_str(), read.usage), ("Hi there!", Some(usage(37, 11))));
}

#[tokio::test]
async fn a_model_that_reasons_is_told_how_much_and_no_temperature() {
    let server = FakeOpenAi::start().await;
    let model = openai(server.base_url(), Protocol::Responses);
    answer(&model, &request("gpt-5-mini")).await;
    let sent = &server.requests()[0];
    assert_eq!(sent.temperature, None);
    assert_eq!(sent.body["reasoning"]["effort"], "low");
    assert!(sent.max_tokens.unwrap() > 1_000, "reasoning needs room beside the answer");
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn each_way_of_failing_has_its_error() {
    let server = FakeOpenAi::start().await;
    server.answer(|_| Answer::text("one two three four"));
    let model = openai(server.base_url(), Protocol::Responses);
    for (fault, reason, before) in [
        (ModelFault::status(401), "unauthorized", ""),
        (ModelFault::status(500), "server_error", ""),
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
        let (read, end) = read(&model, &request("gpt-4o")).await;
        assert_eq!((end.unwrap_err().reason(), read.text.as_str()), (reason, before), "{fault:?}");
    }
    server.inject(ModelFault::NoUsage);
    assert_eq!(answer(&model, &request("gpt-4o")).await.usage, None);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_taken_and_one_that_is_withheld_is_not() {
    let server = FakeOpenAi::start().await;
    let model = openai(server.base_url(), Protocol::Responses);
    server.answer(|_| Answer::text("one two").costing(5, 2).finished_by("length"));
    let read = answer(&model, &request("gpt-4o")).await;
    assert_eq!((read.finish, read.usage), (Some(Finish::Length), Some(usage(5, 2))));

    server.answer(|_| Answer::text("one").finished_by("content_filter"));
    assert!(matches!(failure(&model, &request("gpt-4o")).await, ModelError::Filtered));

    let refusal = "data: {\"type\":\"response.refusal.delta\",\"delta\":\"I'm sorry\"}\n\n\
                   data: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n";
    let model = openai(serve(event_stream(refusal)).await, Protocol::Responses);
    assert!(matches!(failure(&model, &request("gpt-4o")).await, ModelError::Filtered));
}

#[tokio::test]
async fn a_failed_response_and_a_nested_error_are_told_without_the_conversation() {
    let failed = format!(
        "data: {{\"type\":\"response.failed\",\"response\":{{\"status\":\"failed\",\"error\":\
         {{\"code\":\"server_error\",\"message\":\"cannot answer '{QUESTION}'\"}}}}}}\n\n"
    );
    let nested = format!(
        "data: {{\"type\":\"error\",\"error\":{{\"message\":\"cannot answer '{QUESTION}'\"}}}}\n\n"
    );
    for stream in [failed, nested] {
        let model = openai(serve(event_stream(&stream)).await, Protocol::Responses);
        let error = failure(&model, &request("gpt-4o")).await;
        assert_eq!(error.reason(), "failed");
        assert!(!crate::provider::told(&error).contains(QUESTION));
    }
}

#[tokio::test]
async fn an_answer_that_comes_only_at_its_end_is_read() {
    let whole = "data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"reasoning\",\
                 \"summary\":[]},{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Nine.\"}]}]}}\n\n";
    let model = openai(serve(event_stream(whole)).await, Protocol::Responses);
    let read = answer(&model, &request("gpt-4o")).await;
    assert_eq!((read.text.as_str(), read.usage), ("Nine.", None));
}

#[tokio::test]
async fn a_done_before_the_end_of_the_answer_is_no_end() {
    let stream =
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Nine\"}\n\ndata: [DONE]\n\n";
    let model = openai(serve(event_stream(stream)).await, Protocol::Responses);
    assert_eq!(failure(&model, &request("gpt-4o")).await.reason(), "broken");
}

#[tokio::test]
async fn too_long_a_question_is_told_apart() {
    let body = r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#;
    let length = body.len();
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close";
    let base = serve(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    let error = failure(&openai(base, Protocol::Responses), &request("gpt-4o")).await;
    assert!(
        matches!(error, ModelError::Refused { kind: Refusal::ContextTooLong, .. }),
        "{error:?}"
    );
}
