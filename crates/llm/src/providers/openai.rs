//! Chat completions over HTTP: `OpenAI` and every server that speaks its protocol.
//!
//! [`OpenAi::chat`](ChatModel::chat) sends `POST {base_url}/chat/completions` with `stream: true` and
//! reads the events as they come. A stream that ends before a `finish_reason` or `[DONE]` is an error.
//! The key stands in one header and nowhere else; what the provider says about an error is cleaned of it
//! and of our words before it is kept.

mod detail;
mod wire;

use std::{sync::Arc, time::Duration};

use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use reqwest::{
    Client, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use self::{detail::Words, wire::Events};
use crate::{
    chat::{ChatModel, ChatRequest, Delta},
    error::{ModelError, ProviderDetail, Waited},
    limits::Limits,
};

/// Where a provider is and what it wants to see.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// The key; empty for a server that wants none.
    pub api_key: SecretString,
    /// Everything before `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
}

/// Models behind a chat completions server.
#[derive(Clone, Debug)]
pub struct OpenAi {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    url: Url,
    key: SecretString,
    answer_bytes: usize,
}

impl OpenAi {
    /// A client for the provider, with its own pool of connections.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when `base_url` is not an HTTP URL or no client can be built.
    ///
    /// # Panics
    ///
    /// When the process has no rustls crypto provider.
    pub fn new(config: OpenAiConfig, limits: &Limits) -> Result<Self, ModelError> {
        let base = config.base_url.trim().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/chat/completions"))
            .map_err(|error| ModelError::Settings(error.into()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ModelError::Settings("the URL is neither http nor https".into()));
        }
        let mut client = Client::builder()
            .connect_timeout(limits.connect)
            .pool_idle_timeout(Duration::from_mins(1))
            .redirect(Policy::none());
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        let client =
            client.build().map_err(|error| ModelError::Settings(error.without_url().into()))?;
        let shared = Shared { client, url, key: config.api_key, answer_bytes: limits.answer_bytes };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl ChatModel for OpenAi {
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>> {
        let body = wire::body(request);
        let words = Words::of(request);
        let shared = Arc::clone(&self.shared);
        stream::once(async move {
            let words = words.with_key(shared.key.expose_secret());
            let response = shared.open(body, &words).await?;
            Ok(Events::of(response, shared.answer_bytes, words).deltas())
        })
        .try_flatten()
        .boxed()
    }
}

impl Shared {
    async fn open(&self, body: Vec<u8>, words: &Words) -> Result<Response, ModelError> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("accept", "text/event-stream")
            .body(body);
        if !self.key.expose_secret().is_empty() {
            let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.key.expose_secret()))
                .map_err(|_| ModelError::Settings("the key cannot stand in a header".into()))?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(refused(response, words).await);
        }
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().starts_with("text/event-stream"));
        if is_stream { Ok(response) } else { Err(ModelError::ContentType) }
    }
}

fn unreachable(error: reqwest::Error) -> ModelError {
    if error.is_connect() && error.is_timeout() {
        ModelError::Timeout(Waited::Connect)
    } else {
        ModelError::Unreachable(error.without_url().into())
    }
}

async fn refused(response: Response, words: &Words) -> ModelError {
    let status = response.status().as_u16();
    let retry_after = retry_after(&response);
    let detail = words.detail_of(response).await;
    ModelError::Refused { status, retry_after, detail: ProviderDetail(detail) }
}

/// `Retry-After` in seconds; a date is not what these servers send and is ignored. `OpenAI` also sends
/// the finer `retry-after-ms`.
fn retry_after(response: &Response) -> Option<Duration> {
    let number = |name: &str| -> Option<f64> {
        let value: f64 = response.headers().get(name)?.to_str().ok()?.trim().parse().ok()?;
        (0.0..1e9).contains(&value).then_some(value)
    };
    number("retry-after-ms")
        .map(|millis| millis / 1000.0)
        .or_else(|| number(RETRY_AFTER.as_str()))
        .map(Duration::from_secs_f64)
}

/// A model server beside us is never behind the proxy that the environment names.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
