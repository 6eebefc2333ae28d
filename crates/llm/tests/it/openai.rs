//! The chat completions client against a server that can be told to fail.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use replyx_core::{money::Money, retry::Backoff};
use replyx_llm::{
    ChatMessage, ChatRequest, ChatRole, Completion, Limits, ModelError, Models, ModelsConfig,
    NO_ANSWER, OpenAiConfig, Progress, Source, Waited, declines,
};
use replyx_testkit::openai::{Answer, FakeOpenAi, Fault};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const KEY: &str = "sk-test";

fn quick() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        first_token: Duration::from_millis(300),
        silence: Duration::from_millis(200),
        attempt: Duration::from_secs(2),
        total: Duration::from_secs(5),
        answer_bytes: 4 * 1024,
        backoff: Backoff {
            first: Duration::from_millis(10),
            ceiling: Duration::from_millis(40),
            attempts: 3,
        },
        retry_after: Duration::from_secs(2),
    }
}

fn models(base_url: String, key: &str, limits: Limits) -> Models {
    // Only the first one of the process is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let openai = Some(OpenAiConfig { api_key: SecretString::from(key), base_url });
    Models::new(ModelsConfig { openai, default_model: None, limits }).unwrap()
}

fn request() -> ChatRequest {
    ChatRequest {
        model: "gpt-4o-mini".to_owned(),
        temperature: 0.2,
        max_tokens: 300,
        messages: vec![
            ChatMessage { role: ChatRole::System, content: "Answer from the sources.".to_owned() },
            ChatMessage {
                role: ChatRole::User,
                content: "When do you open tomorrow morning?".to_owned(),
            },
        ],
        question: "When do you open tomorrow morning?".to_owned(),
        sources: vec![Source::default(), Source::default()],
    }
}

/// Asks, and keeps what was shown; a restart is shown as `|`.
async fn ask(models: &Models) -> (Result<Completion, ModelError>, String) {
    let mut shown = String::new();
    let result = models
        .complete(&request(), |progress| {
            shown.push_str(match progress {
                Progress::Text(text) => text,
                Progress::Restarted => "|",
            });
        })
        .await;
    (result, shown)
}

async fn fake() -> (FakeOpenAi, Models) {
    let server = FakeOpenAi::start().await;
    server.answer(|_| Answer::text("We open at nine [2].").costing(1_000, 101));
    let models = models(server.base_url(), KEY, quick());
    (server, models)
}

#[tokio::test]
async fn an_answer_is_streamed_counted_and_priced() {
    let (server, models) = fake().await;

    let (answer, shown) = ask(&models).await;

    let answer = answer.unwrap();
    assert_eq!(answer.text, "We open at nine [2].");
    assert_eq!(shown, answer.text);
    assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (1_000, 101));
    assert!(!answer.usage.estimated);
    assert_eq!(answer.cost, Money::from_micros(211));
    assert!(answer.price_known);
    assert_eq!((answer.attempts, answer.model.as_str()), (1, "gpt-4o-mini"));
    assert_eq!(answer.used_sources, [1]);
    assert!(answer.first_token > Duration::ZERO);
    assert_eq!(server.violations(), Vec::<String>::new());
    let sent = &server.requests()[0];
    assert!(sent.stream && sent.include_usage);
    assert_eq!((sent.temperature, sent.max_tokens), (Some(0.2), Some(300)));
    assert_eq!(sent.messages[0].role, "system");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_was_shown_is_taken_back() {
    for (fault, shown_before) in [
        (Fault::status(500), ""),
        (Fault::status(503), ""),
        (Fault::status(429), ""),
        (Fault::status(408), ""),
        (Fault::status(409), ""),
        (Fault::Break, ""),
        (Fault::Hang, ""),
        (Fault::DelayFirst(Duration::from_millis(600)), ""),
        (Fault::WrongContentType, ""),
        (Fault::EndAfter(0), ""),
        (Fault::BreakAfter(2), "We open |"),
        (Fault::EndAfter(2), "We open |"),
        (Fault::MalformedAfter(1), "We |"),
        (Fault::ErrorAfter(1), "We |"),
        (Fault::Silence { after: 1, time: Duration::from_millis(600) }, "We |"),
    ] {
        let (server, models) = fake().await;
        server.inject(fault.clone());

        let (answer, shown) = ask(&models).await;

        let answer = answer.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(answer.attempts, 2, "{fault:?}");
        assert_eq!(shown, format!("{shown_before}We open at nine [2]."), "{fault:?}");
        assert_eq!(server.request_count(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_asked_once() {
    for code in [400, 401, 403, 404, 422] {
        let (server, models) = fake().await;
        server.inject(Fault::status(code));

        let (answer, shown) = ask(&models).await;

        let error = answer.unwrap_err();
        assert!(matches!(error, ModelError::Refused { status, .. } if status == code), "{error:?}");
        assert_eq!((server.request_count(), shown.as_str()), (1, ""));
    }
}

#[tokio::test]
async fn a_fault_that_stays_ends_after_all_attempts_with_its_error() {
    let (server, models) = fake().await;
    for _ in 0..3 {
        server.inject(Fault::Silence { after: 2, time: Duration::from_mins(1) });
    }

    let (answer, shown) = ask(&models).await;

    assert!(matches!(answer.unwrap_err(), ModelError::Timeout(Waited::Silence)));
    assert_eq!(shown, "We open |We open |We open ");
    assert_eq!((server.request_count(), server.faults_left()), (3, 0));
}

#[tokio::test]
async fn retry_after_is_obeyed_up_to_its_bound() {
    let (server, models) = fake().await;
    server.inject(Fault::Status { code: 429, retry_after: Some(1) });
    let begun = Instant::now();
    let (answer, _) = ask(&models).await;
    assert_eq!(answer.unwrap().attempts, 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    server.inject(Fault::Status { code: 429, retry_after: Some(3) });
    let begun = Instant::now();
    let (answer, _) = ask(&models).await;
    let error = answer.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(1));
    let wish = Some(Duration::from_secs(3));
    assert!(
        matches!(error, ModelError::Refused { status: 429, retry_after, .. } if retry_after == wish)
    );
}

#[tokio::test]
async fn all_attempts_together_are_bounded() {
    let server = FakeOpenAi::start().await;
    let total = Duration::from_millis(500);
    let limits = Limits { total, first_token: Duration::from_secs(9), ..quick() };
    let models = models(server.base_url(), KEY, limits);
    server.inject(Fault::Hang);
    server.inject(Fault::Hang);

    let begun = Instant::now();
    let (answer, _) = ask(&models).await;

    assert!(matches!(answer.unwrap_err(), ModelError::Timeout(Waited::Attempt)));
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn an_answer_that_trickles_for_ever_is_cut() {
    let server = FakeOpenAi::start().await;
    server.answer(|_| Answer::text("word ".repeat(500)).paced(Duration::from_millis(20)));
    let backoff = Backoff { attempts: 1, ..quick().backoff };
    let limits = Limits { attempt: Duration::from_millis(300), backoff, ..quick() };
    let (answer, shown) = ask(&models(server.base_url(), KEY, limits)).await;
    assert!(matches!(answer.unwrap_err(), ModelError::Timeout(Waited::Attempt)));
    assert!(shown.starts_with("word word "));
}

#[tokio::test]
async fn an_endless_answer_is_refused() {
    let (server, models) = fake().await;
    server.inject(Fault::Huge(1 << 20));

    let (answer, shown) = ask(&models).await;

    assert!(matches!(answer.unwrap_err(), ModelError::TooLong { limit: 4096 }));
    assert!(shown.len() <= 4096);
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_an_error_without_an_address() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let models = models(format!("http://127.0.0.1:{port}/v1/secret-path"), KEY, quick());

    let (answer, _) = ask(&models).await;

    let error = answer.unwrap_err();
    assert!(matches!(error, ModelError::Unreachable(_)), "{error:?}");
    let told = format!("{error:?} {error}");
    assert!(!told.contains("secret-path") && !told.contains(KEY), "{told}");
}

#[tokio::test]
async fn an_empty_answer_is_tried_again() {
    let (server, models) = fake().await;
    server.answer(|_| Answer::text(" "));
    assert!(matches!(ask(&models).await.0.unwrap_err(), ModelError::Empty));
    assert_eq!(server.request_count(), 3);
}

#[tokio::test]
async fn a_model_that_declines_uses_no_sources() {
    let (server, models) = fake().await;
    server.answer(|_| Answer::text("\"[[no-answer]].\""));
    let answer = ask(&models).await.0.unwrap();
    assert!(declines(&answer.text));
    assert_eq!(answer.used_sources, Vec::<usize>::new());
}

#[tokio::test]
async fn no_error_tells_the_key_or_what_was_said() {
    let question = request().question;
    for body in [
        format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {KEY}.\"}}}}"),
        format!("{{\"error\":{{\"message\":\"cannot handle '{question}'\"}}}}"),
        format!("<html>{KEY} {question}</html>"),
        "x".repeat(1 << 20),
    ] {
        let status = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n";
        let head = format!("{status}content-length: {}\r\n\r\n", body.len());
        let base = serve_once(head + &body).await;
        let error = ask(&models(base, KEY, quick())).await.0.unwrap_err();
        let mut told = format!("{error:?} {error}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            told.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(!told.contains(KEY) && !told.contains(&question) && told.len() < 600, "{told}");
    }
    let models = models("http://127.0.0.1:9/v1".to_owned(), KEY, quick());
    assert!(!format!("{models:?}").contains(KEY));
}

#[tokio::test]
async fn usage_is_estimated_when_the_provider_is_silent() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Nine o'clock\"}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let base = serve_once(event_stream(stream)).await;
    let request = ChatRequest { model: "llama3".to_owned(), ..request() };

    let answer = models(base, "", quick()).complete(&request, |_| ()).await.unwrap();

    // 24 and 34 characters of ASCII in two messages; 12 in the answer.
    assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (4 + 6 + 4 + 9, 3));
    assert!(answer.usage.estimated);
    assert_eq!((answer.cost, answer.price_known), (Money::ZERO, false));
}

#[tokio::test]
async fn once_the_answer_is_complete_nothing_can_spoil_it() {
    let done =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Nine\"},\"finish_reason\":\"stop\"}]}\n\n";
    for rest in ["", "data: {broken\n\ndata: [DONE]\n\n", ": comment\n\n", "\u{0}\n\n"] {
        let base = serve_once(event_stream(&format!("{done}{rest}"))).await;
        let answer = ask(&models(base, KEY, quick())).await.0.unwrap();
        assert_eq!((answer.text.as_str(), answer.attempts), ("Nine", 1), "{rest:?}");
    }
}

#[tokio::test]
async fn an_endless_line_does_not_fill_the_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = base_of(&listener);
    let flood = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        socket.write_all(event_stream("data: ").as_bytes()).await.unwrap();
        let mut sent = 0_usize;
        while socket.write_all(&[b'x'; 16 * 1024]).await.is_ok() {
            sent += 16 * 1024;
        }
        sent
    });
    let limits = Limits { first_token: Duration::from_secs(30), ..quick() };
    let limits = Limits { attempt: limits.first_token, total: limits.first_token, ..limits };

    let error = ask(&models(base, KEY, limits)).await.0.unwrap_err();

    assert!(matches!(error, ModelError::TooLong { .. }), "{error:?}");
    // What is in flight beyond the bound is the sockets' buffers.
    assert!(flood.await.unwrap() < 32 << 20);
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let models = models(base_of(&listener), KEY, Limits::default());
    let asking = tokio::spawn(async move { ask(&models).await.1 });
    let mut socket = accept(&listener).await;
    let begun = "data: {\"choices\":[{\"delta\":{\"content\":\"Nine\"}}]}\n\n";
    socket.write_all(event_stream(begun).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!asking.is_finished());

    asking.abort();

    let mut rest = [0; 16];
    let end = timeout(Duration::from_secs(2), socket.read(&mut rest)).await.expect("it is closed");
    assert!(matches!(&end, Ok(0)) || end.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_model_without_a_provider_is_not_configured_and_the_default_needs_none() {
    let models = Models::new(ModelsConfig::default()).unwrap();
    assert_eq!(models.resolve(None), "extractive");
    assert_eq!(models.resolve(Some(" ")), "extractive");
    assert!(!models.is_configured("gpt-4o") && models.is_configured("extractive"));
    let error = models.complete(&request(), |_| ()).await.unwrap_err();
    assert!(matches!(error, ModelError::NotConfigured { model } if model == "gpt-4o-mini"));

    let extractive = ChatRequest { model: "extractive".to_owned(), ..request() };
    let answer = models.complete(&extractive, |_| ()).await.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.cost, answer.price_known),
        (NO_ANSWER, Money::ZERO, true)
    );
}

#[tokio::test]
async fn the_default_model_follows_what_is_configured() {
    let (_server, models) = fake().await;
    assert_eq!(models.resolve(None), "gpt-4o-mini");
    assert_eq!(models.resolve(Some("extractive")), "extractive");
    let config = ModelsConfig { default_model: Some("gpt-4.1".to_owned()), ..Default::default() };
    assert_eq!(Models::new(config).unwrap().resolve(None), "gpt-4.1");
    let url = "ftp://example.com".to_owned();
    let openai = Some(OpenAiConfig { api_key: SecretString::from(""), base_url: url });
    let refused = Models::new(ModelsConfig { openai, ..Default::default() });
    assert!(matches!(refused.unwrap_err(), ModelError::Settings(_)));
}

fn event_stream(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
    )
}

fn base_of(listener: &TcpListener) -> String {
    format!("http://{}/v1", listener.local_addr().unwrap())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
    }
    socket
}

/// A server that answers one request with these bytes and closes; returns its base URL.
async fn serve_once(response: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = base_of(&listener);
    tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        // The client may leave in the middle.
        let _ = socket.write_all(response.as_bytes()).await;
        let _ = socket.shutdown().await;
    });
    base
}
