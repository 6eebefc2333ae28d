//! A client of our own HTTP API, as a person with an account uses it. For tests, the benchmark and
//! the demo.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode, multipart};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::http_client;

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, `null` if it is not JSON.
    pub body: Value,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// A field of the body that is text.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn text(&self, field: &str) -> String {
        self.body[field]
            .as_str()
            .unwrap_or_else(|| panic!("`{field}` is missing: {} {}", self.status, self.body))
            .to_owned()
    }

    /// The answer, if its status is this one.
    ///
    /// # Panics
    ///
    /// When it is another.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "it asserts, also when nothing more is asked"
    )]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    token: Option<String>,
    workspace: Option<String>,
    http: Client,
}

impl Api {
    /// A stranger to the program at `base` (`http://127.0.0.1:8000`).
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), token: None, workspace: None, http: http_client() }
    }

    /// The same person, after the program has come back at another address.
    #[must_use]
    pub fn at(&self, base: impl Into<String>) -> Self {
        Self { base: base.into(), ..self.clone() }
    }

    /// Somebody who signed in elsewhere.
    #[must_use]
    pub fn with_token(&self, token: String) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// The same person, in another of their workspaces.
    #[must_use]
    pub fn in_workspace(&self, id: &str) -> Self {
        Self { workspace: Some(id.to_owned()), ..self.clone() }
    }

    /// The address of the program.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The access token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Creates an account and signs in.
    ///
    /// # Panics
    ///
    /// When the program refuses.
    #[must_use]
    pub async fn register(&self, email: &str, password: &str) -> Self {
        let body = json!({"email": email, "password": password});
        let answer = self.post("/api/v1/auth/register", &body).await.expect(201);
        Self { token: Some(answer.text("access_token")), ..self.clone() }
    }

    /// Signs in.
    ///
    /// # Panics
    ///
    /// When the program refuses.
    #[must_use]
    pub async fn login(&self, email: &str, password: &str) -> Self {
        let body = json!({"email": email, "password": password});
        let answer = self.post("/api/v1/auth/login", &body).await.expect(200);
        Self { token: Some(answer.text("access_token")), ..self.clone() }
    }

    /// A request with the token and the workspace, if there are any.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(workspace) = &self.workspace {
            request = request.header("x-workspace", workspace);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    ///
    /// When the program does not answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the program answers");
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.expect("the answer arrives");
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Creates an assistant and returns its id.
    pub async fn assistant(&self, settings: &Value) -> String {
        self.post("/api/v1/assistants", settings).await.expect(201).text("id")
    }

    /// Uploads a document.
    pub async fn upload(&self, assistant: &str, name: &str, bytes: Vec<u8>) -> Answer {
        let part = multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = multipart::Form::new().part("file", part);
        let path = format!("/api/v1/assistants/{assistant}/documents");
        self.send(self.request(Method::POST, &path).multipart(form)).await
    }

    /// Waits until a document is `ready` or `failed`, and returns it.
    ///
    /// # Panics
    ///
    /// When it is neither within `patience`.
    pub async fn processed(&self, document: &str, patience: Duration) -> Value {
        let deadline = Instant::now() + patience;
        loop {
            let found = self.get(&format!("/api/v1/documents/{document}")).await.expect(200).body;
            if matches!(found["status"].as_str(), Some("ready" | "failed")) {
                return found;
            }
            assert!(Instant::now() < deadline, "the document is still {}", found["status"]);
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// Uploads a document and waits until it is ready; returns its id.
    ///
    /// # Panics
    ///
    /// When it is not ready within a minute.
    pub async fn knowledge(&self, assistant: &str, name: &str, bytes: &[u8]) -> String {
        let id = self.upload(assistant, name, bytes.to_vec()).await.expect(202).text("id");
        let document = self.processed(&id, Duration::from_mins(1)).await;
        assert_eq!(document["status"], "ready", "{document}");
        id
    }

    /// Registers a bot and returns its id.
    pub async fn bot(&self, assistant: &str, token: &str) -> String {
        let path = format!("/api/v1/assistants/{assistant}/bots");
        self.post(&path, &json!({"token": token})).await.expect(201).text("id")
    }
}
