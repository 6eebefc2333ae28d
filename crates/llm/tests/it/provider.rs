//! What the tests of providers share: a question, the reading of a model's stream, and servers that
//! answer with given bytes.

use std::time::Duration;

use futures::StreamExt;
use replyx_core::retry::Backoff;
use replyx_llm::{
    ChatMessage, ChatModel, ChatRequest, ChatRole, Delta, Finish, Limits, ModelError, OpenAi,
    OpenAiConfig, Protocol, Usage,
};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) const KEY: &str = "sk-test";
pub(crate) const QUESTION: &str = "When do you open tomorrow morning?";

pub(crate) fn quick() -> Limits {
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

pub(crate) fn request(model: &str) -> ChatRequest {
    ChatRequest {
        model: model.to_owned(),
        fallbacks: vec![],
        caller: replyx_llm::Caller::default(),
        allowed: None,
        temperature: 0.2,
        max_tokens: 300,
        within: None,
        messages: vec![
            ChatMessage { role: ChatRole::System, content: "Answer from the sources.".to_owned() },
            ChatMessage { role: ChatRole::User, content: QUESTION.to_owned() },
        ],
        question: QUESTION.to_owned(),
        sources: vec![],
    }
}

/// Only the first provider of TLS in the process is installed.
pub(crate) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub(crate) fn openai(base_url: String, protocol: Protocol) -> OpenAi {
    install_tls();
    let config = OpenAiConfig { api_key: SecretString::from(KEY), base_url, protocol };
    OpenAi::new(config, &quick()).unwrap()
}

/// What a stream brought before it ended.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) text: String,
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<Finish>,
}

/// Reads one attempt to its end, and what it had brought until it failed.
pub(crate) async fn read(
    model: &dyn ChatModel,
    request: &ChatRequest,
) -> (Read, Result<(), ModelError>) {
    let mut deltas = model.chat(request);
    let mut read = Read::default();
    while let Some(delta) = deltas.next().await {
        match delta {
            Ok(Delta::Text(text)) => read.text.push_str(&text),
            Ok(Delta::Usage(usage)) => read.usage = Some(usage),
            Ok(Delta::Finish(finish)) => read.finish = Some(finish),
            Ok(Delta::Sources(_) | Delta::Thinking | Delta::Unsure) => {}
            Err(error) => return (read, Err(error)),
        }
    }
    (read, Ok(()))
}

/// Reads one attempt that must succeed.
pub(crate) async fn answer(model: &dyn ChatModel, request: &ChatRequest) -> Read {
    let (read, end) = read(model, request).await;
    end.unwrap();
    read
}

/// Reads one attempt that must fail.
pub(crate) async fn failure(model: &dyn ChatModel, request: &ChatRequest) -> ModelError {
    read(model, request).await.1.unwrap_err()
}

/// Everything an error says, causes included.
pub(crate) fn told(error: &ModelError) -> String {
    let mut told = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}

pub(crate) const fn usage(prompt_tokens: u64, completion_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens, estimated: false }
}

pub(crate) fn event_stream(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
    )
}

pub(crate) fn base_of(listener: &TcpListener) -> String {
    format!("http://{}/v1", listener.local_addr().unwrap())
}

/// The next connection, its request read.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
    }
    socket
}

/// A server that answers every request with these bytes and closes; returns its base URL.
pub(crate) async fn serve(response: String) -> String {
    serve_cut(response.into_bytes(), &[]).await
}

/// A server that sends its bytes in pieces cut at these places, each in a packet of its own.
pub(crate) async fn serve_cut(response: Vec<u8>, cuts: &[usize]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = base_of(&listener);
    let mut places: Vec<usize> = cuts.to_vec();
    places.extend([0, response.len()]);
    places.sort_unstable();
    tokio::spawn(async move {
        loop {
            let mut socket = accept(&listener).await;
            socket.set_nodelay(true).unwrap();
            for piece in places.windows(2) {
                // The client may leave in the middle.
                let _ = socket.write_all(&response[piece[0]..piece[1]]).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let _ = socket.shutdown().await;
        }
    });
    base
}
