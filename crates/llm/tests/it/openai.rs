//! Chat completions against their fake, against what real servers were seen to send, and against
//! servers that do as they like.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use replyx_core::retry::Retry;
use replyx_llm::{
    ChatRequest, Finish, Limits, ModelError, OpenAi, OpenAiConfig, Protocol, Refusal,
};
use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault, RetryAfter};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

use crate::provider::{
    KEY, QUESTION, Read, accept, answer, base_of, event_stream, failure, install_tls, openai, read,
    request, serve, serve_cut, told, usage,
};

/// As recorded from Ollama, shortened: usage in a chunk of its own.
const OLLAMA: &str = r#"data: {"id":"chatcmpl-923","object":"chat.completion.chunk","created":1756921364,"model":"llama3.2:3b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"The"},"finish_reason":null}]}

data: {"id":"chatcmpl-923","object":"chat.completion.chunk","created":1756921364,"model":"llama3.2:3b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":" capital"},"finish_reason":null}]}

data: {"id":"chatcmpl-923","object":"chat.completion.chunk","created":1756921365,"model":"llama3.2:3b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}

data: {"id":"chatcmpl-923","object":"chat.completion.chunk","created":1756921365,"model":"llama3.2:3b","system_fingerprint":"fp_ollama","choices":[],"usage":{"prompt_tokens":32,"completion_tokens":8,"total_tokens":40}}

data: [DONE]

"#;

/// In the form `DeepSeek` documents and was recorded with: keep-alive comments, reasoning,
/// `content` as null, usage beside the last choice.
const DEEPSEEK: &str = r#": keep-alive

: keep-alive

data: {"id":"1c811926-1e2c-4160-baf8-6e71245c8ad7","object":"chat.completion.chunk","created":1767411028,"model":"deepseek-flash","system_fingerprint":"fp_058df29938_prod0820","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":""},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"1c811926-1e2c-4160-baf8-6e71245c8ad7","object":"chat.completion.chunk","created":1767411028,"model":"deepseek-flash","system_fingerprint":"fp_058df29938_prod0820","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"They want a greeting"},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"1c811926-1e2c-4160-baf8-6e71245c8ad7","object":"chat.completion.chunk","created":1767411028,"model":"deepseek-flash","system_fingerprint":"fp_058df29938_prod0820","choices":[{"index":0,"delta":{"content":"Привет","reasoning_content":null},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"1c811926-1e2c-4160-baf8-6e71245c8ad7","object":"chat.completion.chunk","created":1767411028,"model":"deepseek-flash","system_fingerprint":"fp_058df29938_prod0820","choices":[{"index":0,"delta":{"content":", 世界 😀","reasoning_content":null},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"1c811926-1e2c-4160-baf8-6e71245c8ad7","object":"chat.completion.chunk","created":1767411028,"model":"deepseek-flash","system_fingerprint":"fp_058df29938_prod0820","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":27,"total_tokens":38,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":14},"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":11}}

data: [DONE]

"#;

/// In the form `OpenAI` documents, with the padding it sends.
const OPENAI: &str = r#"data: {"id":"chatcmpl-CcT2","object":"chat.completion.chunk","created":1763318400,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"k7hMs"}

data: {"id":"chatcmpl-CcT2","object":"chat.completion.chunk","created":1763318400,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"zi"}

data: {"id":"chatcmpl-CcT2","object":"chat.completion.chunk","created":1763318400,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{"index":0,"delta":{"content":"!"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"wRzJfK"}

data: {"id":"chatcmpl-CcT2","object":"chat.completion.chunk","created":1763318400,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null,"obfuscation":"h"}

data: {"id":"chatcmpl-CcT2","object":"chat.completion.chunk","created":1763318400,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":2,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"obfuscation":"RnS"}

data: [DONE]

"#;

async fn fake() -> (FakeOpenAi, OpenAi) {
    let server = FakeOpenAi::start().await;
    server.answer(|_| Answer::text("one two three four").costing(1_000, 101));
    let model = openai(server.base_url(), Protocol::Completions);
    (server, model)
}

/// The answer of a server that sends this stream.
async fn answer_of(stream: &str) -> Read {
    let model = openai(serve(event_stream(stream)).await, Protocol::Completions);
    answer(&model, &request("some-model")).await
}

#[tokio::test]
async fn an_answer_is_asked_for_and_read() {
    let (server, model) = fake().await;

    let read = answer(&model, &request("gpt-4o-mini")).await;

    assert_eq!(read.text, "one two three four");
    assert_eq!((read.usage, read.finish), (Some(usage(1_000, 101)), Some(Finish::Stop)));
    assert_eq!(server.violations(), Vec::<String>::new());
    let sent = &server.requests()[0];
    assert!(sent.stream && sent.include_usage);
    assert_eq!((sent.temperature, sent.max_tokens), (Some(0.2), Some(300)));
    assert_eq!((sent.messages[0].role.as_str(), sent.key.as_str()), ("system", KEY));
}

#[tokio::test]
async fn what_real_servers_send_is_read() {
    for (stream, text, counts) in [
        (OLLAMA, "The capital", usage(32, 8)),
        (DEEPSEEK, "Привет, 世界 😀", usage(11, 27)),
        (OPENAI, "Hello!", usage(19, 2)),
    ] {
        for stream in [stream.to_owned(), stream.replace('\n', "\r\n")] {
            let read = answer_of(&stream).await;
            assert_eq!((read.text.as_str(), read.usage), (text, Some(counts)));
            assert_eq!(read.finish, Some(Finish::Stop));
        }
    }
}

#[tokio::test]
async fn servers_that_keep_to_the_protocol_in_their_own_way_are_understood() {
    let piece = |delta: &str, finish: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n")
    };
    let nine = piece("{\"content\":\"Nine\"}", "null");
    let end = piece("{}", "\"stop\"");
    for (what, stream) in [
        ("no done", nine.clone() + &end),
        ("no empty line at the end", (nine.clone() + &end).trim_end().to_owned()),
        ("no finish but done", nine.clone() + "data: [DONE]\n\n"),
        ("an empty finish", piece("{\"content\":\"Nine\"}", "\"\"") + &end),
        (
            "content in parts",
            piece("{\"content\":[{\"type\":\"text\",\"text\":\"Nine\"}]}", "null") + &end,
        ),
        ("reasoning", piece("{\"reasoning\":\"hm\",\"content\":\"\"}", "null") + &nine + &end),
        ("choices as null", format!("data: {{\"choices\":null}}\n\n{nine}{end}")),
        ("error as null", nine.replace("{\"choices\"", "{\"error\":null,\"choices\"") + &end),
        (
            "another choice",
            nine.clone() + &nine.replace("\"delta\"", "\"index\":1,\"delta\"") + &end,
        ),
        ("two finishes", nine.clone() + &end + &end),
    ] {
        let read = answer_of(&stream).await;
        assert_eq!(
            (read.text.as_str(), read.finish.unwrap_or_default()),
            ("Nine", Finish::Stop),
            "{what}"
        );
    }
    let zeros = format!(
        "{nine}{end}data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":0,\"completion_tokens\":0}}}}\n\n"
    );
    assert_eq!(answer_of(&zeros).await.usage, None, "zeros are no usage");
    let twice = [
        "{\"prompt_tokens\":9,\"completion_tokens\":1}",
        "{\"prompt_tokens\":9,\"completion_tokens\":2}",
    ];
    let twice = twice.map(|counts| format!("data: {{\"choices\":[],\"usage\":{counts}}}\n\n"));
    let running = format!("{}{nine}{end}{}", twice[0], twice[1]);
    assert_eq!(answer_of(&running).await.usage, Some(usage(9, 2)), "the last one counts");
}

#[tokio::test]
async fn once_the_answer_is_complete_nothing_can_spoil_it() {
    let done =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Nine\"},\"finish_reason\":\"stop\"}]}\n\n";
    for rest in [
        "",
        "data: {broken\n\ndata: [DONE]\n\n",
        ": comment\n\n",
        "\u{0}\n\n",
        "data: {\"error\":{}}\n\n",
    ] {
        assert_eq!(answer_of(&format!("{done}{rest}")).await.text, "Nine", "{rest:?}");
    }
}

#[tokio::test]
async fn each_way_of_failing_has_its_error() {
    let (server, model) = fake().await;
    for (fault, reason, before) in [
        (ModelFault::status(400), "refused", ""),
        (ModelFault::status(401), "unauthorized", ""),
        (ModelFault::status(404), "refused", ""),
        (ModelFault::status(429), "rate_limited", ""),
        (ModelFault::QuotaSpent, "quota", ""),
        (ModelFault::status(500), "server_error", ""),
        (ModelFault::status(503), "server_error", ""),
        (ModelFault::Break, "broken", ""),
        (ModelFault::WrongContentType, "content_type", ""),
        (ModelFault::Garbage, "malformed", ""),
        (ModelFault::EndAfter(0), "broken", ""),
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
    server.inject(ModelFault::Empty);
    assert_eq!(answer(&model, &request("gpt-4o")).await.text, "");
    assert_eq!(server.faults_left(), 0);
}

#[tokio::test]
async fn a_wish_to_wait_is_told_however_it_was_said() {
    let (server, model) = fake().await;
    for (wish, wait) in [
        (RetryAfter::Seconds(7), Duration::from_secs(7)),
        (RetryAfter::Millis(1_500), Duration::from_millis(1_500)),
        (RetryAfter::Date(40), Duration::from_secs(40)),
    ] {
        server.inject(ModelFault::RateLimited(wish));
        let error = failure(&model, &request("gpt-4o")).await;
        assert_eq!(error.retry(), Retry::After(wait), "{wish:?}");
    }
    server.inject(ModelFault::QuotaSpent);
    assert_eq!(failure(&model, &request("gpt-4o")).await.retry(), Retry::Never);
}

#[tokio::test]
async fn a_cut_answer_is_taken_and_a_withheld_one_is_not() {
    let (server, model) = fake().await;
    server.answer(|_| Answer::text("one two").finished_by("length"));
    assert_eq!(answer(&model, &request("gpt-4o")).await.finish, Some(Finish::Length));
    server.answer(|_| Answer::text("one two").finished_by("content_filter"));
    assert!(matches!(failure(&model, &request("gpt-4o")).await, ModelError::Filtered));
    server.answer(|_| Answer::text("one two").finished_by("insufficient_system_resource"));
    assert_eq!(failure(&model, &request("gpt-4o")).await.reason(), "broken");
}

#[tokio::test]
async fn a_model_that_reasons_gets_the_parameters_it_knows() {
    let (server, model) = fake().await;
    answer(&model, &request("gpt-5-mini")).await;
    assert_eq!(server.violations(), Vec::<String>::new());
    let sent = &server.requests()[0];
    assert_eq!((sent.temperature, &sent.body["reasoning_effort"]), (None, &"low".into()));
    assert!(sent.body["max_completion_tokens"].as_u64().unwrap() > 1_000);
}

#[tokio::test]
async fn parameters_a_server_refuses_are_left_out_and_that_is_remembered() {
    let builder = ["stream_options", "temperature", "max_tokens"]
        .into_iter()
        .fold(FakeOpenAi::builder(), replyx_testkit::openai::Builder::without_parameter);
    let server = builder.start().await.unwrap();
    let model = openai(server.base_url(), Protocol::Completions);
    for _ in 0..2 {
        answer(&model, &request("gpt-4o")).await;
    }
    let sent = server.requests();
    assert_eq!(sent.len(), 2);
    for sent in sent {
        assert_eq!((sent.include_usage, sent.temperature), (false, None));
        assert_eq!(sent.body["max_completion_tokens"], 300);
    }
    // Another key of the provider need not learn it again; the refusals were three, all at first.
    answer(&model.with_key(SecretString::from(KEY)), &request("gpt-4o")).await;
    assert_eq!((server.request_count(), server.refusals()), (3, 3));
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_not_asked_for_ever() {
    let builder = ["stream_options", "temperature", "max_tokens", "max_completion_tokens"]
        .into_iter()
        .fold(FakeOpenAi::builder(), replyx_testkit::openai::Builder::without_parameter);
    let server = builder.start().await.unwrap();
    let model = openai(server.base_url(), Protocol::Completions);
    let error = failure(&model, &request("gpt-4o")).await;
    assert!(matches!(error, ModelError::Refused { status: 400, .. }), "{error:?}");
    assert_eq!(server.refusals(), 4);
}

#[tokio::test]
async fn a_refusal_of_what_was_not_sent_is_not_answered_with_the_same_again() {
    let body = r#"{"error":{"message":"Unknown parameter: 'store'.","param":"store"}}"#;
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close";
    let response = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let model = openai(base_of(&listener), Protocol::Completions);
    let asking = tokio::spawn(async move { failure(&model, &request("gpt-4o")).await });
    let mut socket = accept(&listener).await;
    socket.write_all(response.as_bytes()).await.unwrap();
    drop(socket);
    let again = timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(again.is_err(), "it was asked again");
    assert_eq!(asking.await.unwrap().reason(), "refused");
}

#[tokio::test]
async fn keys_are_told_apart() {
    let server = FakeOpenAi::builder().keys([KEY, "sk-other"]).start().await.unwrap();
    let first = openai(server.base_url(), Protocol::Completions);
    let second = first.with_key(SecretString::from("sk-other"));
    server.inject_for("sk-other", ModelFault::status(429));
    answer(&first, &request("gpt-4o")).await;
    assert_eq!(failure(&second, &request("gpt-4o")).await.reason(), "rate_limited");
    server.revoke_key(KEY);
    assert_eq!(failure(&first, &request("gpt-4o")).await.reason(), "unauthorized");
    answer(&second, &request("gpt-4o")).await;
    let keys: Vec<String> = server.requests().iter().map(|sent| sent.key.clone()).collect();
    assert_eq!(keys, [KEY, "sk-other", "sk-other"]);
}

#[tokio::test]
async fn a_refused_connection_is_an_error_without_an_address() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let model = openai(format!("http://127.0.0.1:{port}/v1/secret-path"), Protocol::Completions);
    let error = failure(&model, &request("gpt-4o")).await;
    assert!(matches!(error, ModelError::Unreachable(_)), "{error:?}");
    let told = told(&error);
    assert!(!told.contains("secret-path") && !told.contains(KEY), "{told}");
}

#[tokio::test]
async fn no_error_tells_the_key_or_what_was_said() {
    for body in [
        format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {KEY}.\"}}}}"),
        format!("{{\"error\":{{\"message\":\"cannot handle '{QUESTION}'\"}}}}"),
        format!("<html>{KEY} {QUESTION}</html>"),
        "x".repeat(1 << 20),
    ] {
        let status = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n";
        let head = format!("{status}content-length: {}\r\n\r\n", body.len());
        let model = openai(serve(head + &body).await, Protocol::Completions);
        let error = failure(&model, &request("gpt-4o")).await;
        assert!(matches!(error, ModelError::Refused { kind: Refusal::Other, .. }));
        let told = told(&error);
        assert!(!told.contains(KEY) && !told.contains(QUESTION) && told.len() < 600, "{told}");
        assert!(!format!("{model:?}").contains(KEY));
    }
}

#[tokio::test]
async fn an_endless_line_does_not_fill_the_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let model = openai(base_of(&listener), Protocol::Completions);
    let flood = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        socket.write_all(event_stream("data: ").as_bytes()).await.unwrap();
        let mut sent = 0_usize;
        while socket.write_all(&[b'x'; 16 * 1024]).await.is_ok() {
            sent += 16 * 1024;
        }
        sent
    });
    let error = failure(&model, &request("gpt-4o")).await;
    assert!(matches!(error, ModelError::TooLong { .. }), "{error:?}");
    // What is in flight beyond the bound is the sockets' buffers.
    assert!(flood.await.unwrap() < 32 << 20);
}

#[tokio::test]
async fn usage_that_does_not_come_is_not_waited_for_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let model = openai(base_of(&listener), Protocol::Completions);
    let server = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        let done = "data: {\"choices\":[{\"delta\":{\"content\":\"Nine\"},\"finish_reason\":\"stop\"}]}\n\n";
        socket.write_all(event_stream(done).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
    });
    let begun = Instant::now();
    assert_eq!(answer(&model, &request("gpt-4o")).await.text, "Nine");
    assert!(begun.elapsed() < Duration::from_secs(30));
    server.abort();
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let model = openai(base_of(&listener), Protocol::Completions);
    let asking = tokio::spawn(async move { read(&model, &request("gpt-4o")).await.0 });
    let mut socket = accept(&listener).await;
    let begun = "data: {\"choices\":[{\"delta\":{\"content\":\"Nine\"}}]}\n\n";
    socket.write_all(event_stream(begun).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!asking.is_finished());

    asking.abort();

    let mut rest = [0; 16];
    let end = timeout(Duration::from_secs(20), socket.read(&mut rest)).await.expect("it is closed");
    assert!(matches!(&end, Ok(0)) || end.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
}

#[test]
fn settings_that_cannot_be_used_are_told() {
    install_tls();
    for base_url in ["ftp://example.com", "", "not a url"] {
        let config = OpenAiConfig {
            api_key: SecretString::from(""),
            base_url: base_url.to_owned(),
            protocol: Protocol::Completions,
        };
        let refused = OpenAi::new(config, &Limits::default());
        assert!(matches!(refused.unwrap_err(), ModelError::Settings(_)), "{base_url}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_stand_in_a_header_is_a_matter_of_settings() {
    let (_server, model) = fake().await;
    let model = model.with_key(SecretString::from("sk-\n"));
    let error = failure(&model, &ChatRequest { ..request("gpt-4o") }).await;
    assert!(matches!(error, ModelError::Settings(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_answer(cuts in prop::collection::vec(0..4_000_usize, 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bytes = event_stream(DEEPSEEK).into_bytes();
            let cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
            let model = openai(serve_cut(bytes, &cuts).await, Protocol::Completions);
            let read = answer(&model, &request("deepseek-flash")).await;
            assert_eq!((read.text.as_str(), read.usage), ("Привет, 世界 😀", Some(usage(11, 27))));
        });
    }
}
