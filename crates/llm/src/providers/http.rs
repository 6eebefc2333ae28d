//! Requests to a provider's server, and what its refusals mean.
//!
//! The key stands in one header and nowhere else; what the provider says about an error is cleaned
//! of it and of our words before it is kept.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::DateTime;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use replyx_core::clock::Clock;
use replyx_tls::Protocols;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::{
    detail::Words,
    events::{Protocol, deltas, whole},
    parameters::{Shape, Shapes},
};
use crate::{
    chat::{ChatMessage, ChatRequest, Delta},
    error::{ModelError, ProviderDetail, Refusal, Waited},
    limits::Limits,
};

/// An error's body is read this far, bytes.
const READ: usize = 16 * 1024;
/// No wish to wait is longer than this.
const LONGEST_WISH: Duration = Duration::from_secs(1_000_000_000);

/// The ends of addresses that belong to a request and not to the base.
const REQUESTS: [&str; 7] = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/embeddings",
    "/rerank",
    "/models",
];

/// The address of a path below a base. A base that is the address of a request is cut back to the
/// base, and its query stays at the end.
pub(super) fn url(base: &str, path: &str) -> Result<Url, ModelError> {
    let mut url = Url::parse(base.trim()).map_err(|error| ModelError::Settings(error.into()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ModelError::Settings("the URL is neither http nor https".into()));
    }
    let mut below = url.path().trim_end_matches('/').to_owned();
    if let Some(cut) = REQUESTS.iter().find_map(|request| below.strip_suffix(request)) {
        below = cut.trim_end_matches('/').to_owned();
    }
    url.set_path(&format!("{below}{path}"));
    url.set_fragment(None);
    Ok(url)
}

/// Asks once with a JSON body, and reads an answer of at most `longest` bytes. An empty key is not
/// shown.
pub(super) async fn post<T: DeserializeOwned>(
    client: &Client,
    url: &Url,
    key: &SecretString,
    body: &Value,
    longest: usize,
) -> Result<T, ModelError> {
    let mut request = client.post(url.clone()).json(body);
    if !key.expose_secret().is_empty() {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
            .map_err(|_| ModelError::Settings("the key cannot stand in a header".into()))?;
        bearer.set_sensitive(true);
        request = request.header(AUTHORIZATION, bearer);
    }
    let mut response = request.send().await.map_err(unreachable)?;
    if response.status() != StatusCode::OK {
        let status = response.status().as_u16();
        let wait = retry_after(response.headers());
        let said = error_body(response).await;
        let words = Words::of(&[], key.expose_secret());
        return Err(refused(status, wait, &said, &words));
    }
    let mut bytes = Vec::new();
    let broken = |error: reqwest::Error| ModelError::Broken(Some(error.without_url().into()));
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > longest {
            return Err(ModelError::TooLong { limit: longest });
        }
        bytes.extend_from_slice(&chunk);
    }
    // The error would quote what it cannot read.
    serde_json::from_slice(&bytes).map_err(|_| ModelError::Malformed(None))
}

/// How a server wants to see the key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`.
    ApiKey,
}

/// One way of asking a provider, for one key. Clones share connections and what was learnt.
#[derive(Clone)]
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    /// Has the base no path of its own, and the request no version?
    is_bare: bool,
    /// Are requests sent below `/v1`, though the base does not say so? Clones share it.
    versioned: Arc<AtomicBool>,
    auth: Auth,
    key: SecretString,
    headers: HeaderMap,
    answer_bytes: usize,
    shapes: Shapes,
}

impl fmt::Debug for Endpoint {
    /// Neither the key nor the whole URL, which may hold another secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// What is asked, without what only a model that quotes needs.
pub(super) struct PlainRequest {
    pub(super) model: String,
    pub(super) temperature: f64,
    pub(super) max_tokens: u32,
    pub(super) messages: Vec<ChatMessage>,
}

impl PlainRequest {
    pub(super) fn of(request: &ChatRequest) -> Self {
        Self {
            model: request.model.clone(),
            temperature: request.temperature,
            max_tokens: request.max_tokens,
            messages: request.messages.clone(),
        }
    }
}

impl Endpoint {
    /// A way to `{base_url}{path}`, with its own pool of connections.
    pub(super) fn new(
        base_url: &str,
        path: &str,
        auth: Auth,
        key: SecretString,
        limits: &Limits,
    ) -> Result<Self, ModelError> {
        let url = url(base_url, path)?;
        Ok(Self {
            client: client(&url, limits)?,
            is_bare: url.path() == path && !path.starts_with("/v1"),
            versioned: Arc::default(),
            url,
            auth,
            key,
            headers: HeaderMap::new(),
            answer_bytes: limits.answer_bytes,
            shapes: Shapes::default(),
        })
    }

    /// With a header that every request carries.
    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The same server asked with another key.
    pub(super) fn with_key(&self, key: SecretString) -> Self {
        Self { key, ..self.clone() }
    }

    /// The longest answer that is asked for, tokens.
    pub(super) fn most_tokens(&self, request: &ChatRequest) -> u32 {
        self.shapes.of(&request.model).limit(request.max_tokens)
    }

    /// Asks, and reads the answer as it comes. The body is made again, without the parameter, when
    /// the server refuses one by its name.
    pub(super) fn ask<P: Protocol>(
        &self,
        request: &ChatRequest,
        body: fn(&PlainRequest, &Shape) -> Vec<u8>,
        protocol: P,
    ) -> BoxStream<'static, Result<Delta, ModelError>> {
        let endpoint = self.clone();
        let asked = PlainRequest::of(request);
        stream::once(async move {
            let words = Words::of(&asked.messages, endpoint.key.expose_secret());
            let response = endpoint.open(&asked, body, &words).await?;
            let longest = endpoint.answer_bytes;
            if is_stream(&response) {
                return Ok::<_, ModelError>(deltas(response, longest, words, protocol).boxed());
            }

            let deltas = whole(response, longest, &words, protocol).await?;
            Ok(stream::iter(deltas.into_iter().map(Ok)).boxed())
        })
        .try_flatten()
        .boxed()
    }

    async fn open(
        &self,
        asked: &PlainRequest,
        body: fn(&PlainRequest, &Shape) -> Vec<u8>,
        words: &Words,
    ) -> Result<Response, ModelError> {
        let mut shape = self.shapes.of(&asked.model);
        let mut sent = body(asked, &shape);
        let mut is_below = self.is_bare && self.versioned.load(Ordering::Relaxed);
        loop {
            let response = self.post(sent.clone(), is_below)?;
            let response = response.send().await.map_err(unreachable)?;
            if response.status() == StatusCode::OK {
                self.remember(is_below);
                return if is_stream(&response) || is_json(&response) {
                    Ok(response)
                } else {
                    Err(ModelError::ContentType)
                };
            }
            // A base such as `https://api.example` may lack its `/v1`.
            if response.status() == StatusCode::NOT_FOUND && self.is_bare && !is_below {
                is_below = true;
                continue;
            }
            let status = response.status().as_u16();
            let wait = retry_after(response.headers());
            let said = error_body(response).await;
            let Some(less) = shape.without(status, &said) else {
                return Err(refused(status, wait, &said, words));
            };
            let next = body(asked, &less);
            if next == sent {
                return Err(refused(status, wait, &said, words));
            }
            // Each round gives up one parameter, so there are few of them.
            self.shapes.learn(&asked.model, &less);
            (shape, sent) = (less, next);
        }
    }

    /// What answered below `/v1` is asked there from now on.
    fn remember(&self, is_below: bool) {
        if is_below && !self.versioned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                host = self.url.host_str(),
                "the base URL of a provider has no path and was answered 404; it is asked below /v1"
            );
        }
    }

    /// Where requests go.
    fn address(&self, is_below: bool) -> Url {
        let mut url = self.url.clone();
        let path = url.path().to_owned();
        if is_below {
            url.set_path(&format!("/v1{path}"));
        }
        url
    }

    fn post(&self, body: Vec<u8>, is_below: bool) -> Result<RequestBuilder, ModelError> {
        let mut request = self
            .client
            .post(self.address(is_below))
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("accept", "text/event-stream")
            .body(body);
        let key = self.key.expose_secret();
        if !key.is_empty() {
            let (name, value) = match self.auth {
                Auth::Bearer => {
                    (AUTHORIZATION.as_str(), HeaderValue::try_from(format!("Bearer {key}")))
                }
                Auth::ApiKey => ("x-api-key", HeaderValue::try_from(key)),
            };
            let mut value = value
                .map_err(|_| ModelError::Settings("the key cannot stand in a header".into()))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        Ok(request)
    }
}

pub(super) fn client(url: &Url, limits: &Limits) -> Result<Client, ModelError> {
    let mut client = replyx_tls::client(Protocols::Any)
        .connect_timeout(limits.connect)
        .pool_idle_timeout(Duration::from_mins(1))
        .redirect(Policy::none());
    if is_loopback(url) {
        client = client.no_proxy();
    }
    client.build().map_err(|error| ModelError::Settings(error.without_url().into()))
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

fn is_stream(response: &Response) -> bool {
    is_of_kind(response, "text/event-stream")
}

/// Is it a whole answer, of a server that does not stream?
fn is_json(response: &Response) -> bool {
    is_of_kind(response, "application/json")
}

fn is_of_kind(response: &Response, kind: &str) -> bool {
    let told = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    told.is_some_and(|told| told.trim_start().starts_with(kind))
}

pub(super) fn unreachable(error: reqwest::Error) -> ModelError {
    if error.is_connect() && error.is_timeout() {
        ModelError::Timeout(Waited::Connect)
    } else if error.is_connect() {
        ModelError::Unreachable(error.without_url().into())
    } else {
        // The question may have arrived, and be answered to nobody.
        ModelError::Broken(Some(error.without_url().into()))
    }
}

/// The body of an error: JSON, or its beginning as a string.
pub(super) async fn error_body(response: Response) -> Value {
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(Ok(more)) = body.next().await {
        bytes.extend_from_slice(&more[..more.len().min(READ - bytes.len())]);
        if bytes.len() == READ {
            break;
        }
    }
    serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
}

pub(super) fn refused(
    status: u16,
    retry_after: Option<Duration>,
    said: &Value,
    words: &Words,
) -> ModelError {
    ModelError::Refused {
        status,
        retry_after,
        kind: kind(status, said),
        detail: ProviderDetail(words.clean_json(said)),
    }
}

/// An error told in the middle of an answer: where it names what a status would have told, it is
/// taken for that.
pub(super) fn failed(said: &Value, words: &Words) -> ModelError {
    match status_of(said.get("error").filter(|error| error.is_object()).unwrap_or(said)) {
        Some(status) => refused(status, None, said, words),
        None => ModelError::Failed(ProviderDetail(words.clean_json(said))),
    }
}

/// The status that an error stands for, if it is about the key or the question.
fn status_of(error: &Value) -> Option<u16> {
    if let Some(code) = error["code"].as_u64() {
        return u16::try_from(code).ok().filter(|code| matches!(code, 401 | 402 | 403 | 429));
    }
    let named = |field: &str| match error[field].as_str()? {
        "invalid_api_key" | "authentication_error" => Some(401),
        "insufficient_quota" | "billing_error" => Some(402),
        "permission_error" => Some(403),
        "rate_limit_exceeded" | "rate_limit_error" => Some(429),
        "invalid_prompt" | "content_filter" | "content_policy_violation" => Some(400),
        _ => None,
    };
    named("code").or_else(|| named("type"))
}

/// What a refusal is about, from the words that providers have for it.
fn kind(status: u16, said: &Value) -> Refusal {
    let error = said.get("error").unwrap_or(said);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
    let code = text(&error["code"]);
    let kind = text(&error["type"]);
    let message = text(error.get("message").unwrap_or(error));
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let named = |names: &[&str]| names.iter().any(|name| code == *name || kind == *name);
    if status == 402
        || named(&["insufficient_quota", "billing_error", "billing_hard_limit_reached"])
        || matches!(status, 400 | 403 | 429)
            && says(&[
                "credit balance is too low",
                "insufficient balance",
                "exceeded your current quota",
            ])
    {
        Refusal::Quota
    } else if named(&["content_filter", "content_policy_violation", "invalid_prompt"]) {
        Refusal::Filtered
    } else if matches!(status, 400 | 413 | 422)
        && (named(&["context_length_exceeded", "request_too_large"])
            || says(&["context length", "context window", "prompt is too long", "too many tokens"]))
    {
        Refusal::ContextTooLong
    } else {
        Refusal::Other
    }
}

/// How long the server asks us to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date,
/// which is measured from the server's own `Date`.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| -> Option<f64> {
        text(name)?.parse().ok().filter(|value| (0.0..1e9).contains(value))
    };
    let date = |name: &str| DateTime::parse_from_rfc2822(text(name)?).ok();
    let until = || {
        let until = date(RETRY_AFTER.as_str())?;
        let now = date(DATE.as_str()).unwrap_or_else(|| Clock::system().now().fixed_offset());
        Some((until - now).to_std().unwrap_or_default().min(LONGEST_WISH))
    };
    number("retry-after-ms")
        .map(|millis| millis / 1000.0)
        .or_else(|| number(RETRY_AFTER.as_str()))
        .map(Duration::from_secs_f64)
        .or_else(until)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        retry_after(&headers.collect())
    }

    #[test]
    fn the_address_of_a_request_is_cut_back_to_its_base() {
        for (base, meant) in [
            ("https://a.example/v1", "https://a.example/v1/chat/completions"),
            ("https://a.example/v1/", "https://a.example/v1/chat/completions"),
            (" https://a.example/v1/chat/completions", "https://a.example/v1/chat/completions"),
            ("https://a.example/v1/responses/", "https://a.example/v1/chat/completions"),
            (
                "https://a.example/openai/x?api-version=2024-06-01",
                "https://a.example/openai/x/chat/completions?api-version=2024-06-01",
            ),
            ("https://a.example", "https://a.example/chat/completions"),
        ] {
            assert_eq!(url(base, "/chat/completions").unwrap().as_str(), meant, "{base}");
        }
        assert!(url("a.example/v1", "/chat/completions").is_err());
    }

    #[test]
    fn a_wish_to_wait_is_read_in_all_its_forms() {
        let secs = |secs| Some(Duration::from_secs(secs));
        assert_eq!(wait(&[("retry-after", "7")]), secs(7));
        assert_eq!(
            wait(&[("retry-after", "7"), ("retry-after-ms", "1500")]),
            Some(Duration::from_millis(1500))
        );
        let date = [
            ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
            ("retry-after", "Wed, 21 Oct 2026 07:29:30 GMT"),
        ];
        assert_eq!(wait(&date), secs(90));
        assert_eq!(
            wait(&[date[1]].map(|_| ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"))),
            secs(0)
        );
        for none in ["", "-1", "soon", "NaN", "1e300"] {
            assert_eq!(wait(&[("retry-after", none)]), None, "{none}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let of = |status, error: Value| kind(status, &json!({ "error": error }));
        assert_eq!(of(429, json!({"code": "insufficient_quota"})), Refusal::Quota);
        assert_eq!(of(402, json!({"message": "Insufficient Balance"})), Refusal::Quota);
        let poor = "Your credit balance is too low to access the Anthropic API.";
        assert_eq!(
            of(400, json!({"type": "invalid_request_error", "message": poor})),
            Refusal::Quota
        );
        assert_eq!(of(400, json!({"code": "context_length_exceeded"})), Refusal::ContextTooLong);
        let long = "prompt is too long: 208310 tokens > 200000 maximum";
        assert_eq!(of(400, json!({"message": long})), Refusal::ContextTooLong);
        assert_eq!(of(400, json!({"code": "content_filter"})), Refusal::Filtered);
        assert_eq!(of(429, json!({"code": "rate_limit_exceeded"})), Refusal::Other);
        assert_eq!(kind(500, &json!("context length")), Refusal::Other);
    }

    #[test]
    fn nothing_secret_is_shown_of_an_endpoint() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = "http://user:hunter2@localhost:1/path";
        let key = SecretString::from("sk-key");
        let endpoint = Endpoint::new(url, "/x", Auth::Bearer, key, &Limits::default()).unwrap();
        assert_eq!(format!("{endpoint:?}"), "Endpoint { host: Some(\"localhost\"), .. }");
    }
}
