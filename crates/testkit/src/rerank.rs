//! A server that reranks, as Cohere's `POST /rerank` (<https://docs.cohere.com/reference/rerank>).
//!
//! Documents that share more words with the question come first, counted without regard to their
//! number. A test may order another answer.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::net::Server;

/// So many requests are remembered.
const HISTORY: usize = 1_000;
/// What Cohere takes at once.
const DOCUMENTS: usize = 1_000;

/// A valid request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankRequest {
    /// The model asked for.
    pub model: String,
    /// The question.
    pub query: String,
    /// The texts.
    pub documents: Vec<String>,
    /// How many of them are to be named.
    pub top_n: usize,
}

/// What the next request gets instead of an order.
#[derive(Clone, Debug)]
pub enum RerankFault {
    /// This status.
    Status(u16),
    /// This body.
    Body(Value),
    /// The right answer, so much later.
    Delay(Duration),
}

#[derive(Debug)]
struct World {
    key: String,
    requests: Mutex<Vec<RerankRequest>>,
    fault: Mutex<Option<RerankFault>>,
}

impl World {
    fn remember(&self, request: RerankRequest) {
        let mut requests = lock(&self.requests);
        requests.push(request);
        if requests.len() > HISTORY {
            requests.remove(0);
        }
    }
}

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct FakeReranker {
    server: Server,
    world: Arc<World>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeReranker {
    /// Starts one that knows this key.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(key: &str) -> Self {
        let world = Arc::new(World {
            key: key.to_owned(),
            requests: Mutex::default(),
            fault: Mutex::default(),
        });
        let router = Router::new().route("/v2/rerank", post(rerank)).with_state(Arc::clone(&world));
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(anywhere, router).await.expect("a port is free");
        Self { server, world }
    }

    /// Everything before `/rerank`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v2", self.server.addr())
    }

    /// Orders a fault for the next request.
    pub fn inject(&self, fault: RerankFault) {
        *lock(&self.world.fault) = Some(fault);
    }

    /// The last valid requests, oldest first.
    pub fn requests(&self) -> Vec<RerankRequest> {
        lock(&self.world.requests).clone()
    }
}

async fn rerank(State(world): State<Arc<World>>, headers: HeaderMap, body: String) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    if shown != Some(&format!("Bearer {}", world.key)) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid api token");
    }

    let request: RerankRequest = match serde_json::from_str(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };

    let count = request.documents.len();
    if !(1..=DOCUMENTS).contains(&count) || !(1..=count).contains(&request.top_n) {
        return refuse(StatusCode::BAD_REQUEST, "documents or top_n out of range");
    }

    let order = answer(&request);
    world.remember(request);
    let fault = lock(&world.fault).take();
    match fault {
        Some(RerankFault::Status(status)) => {
            let status = StatusCode::from_u16(status).expect("a status");
            return refuse(status, "ordered by the test");
        }
        Some(RerankFault::Body(body)) => return Json(body).into_response(),
        Some(RerankFault::Delay(time)) => tokio::time::sleep(time).await,
        None => {}
    }

    Json(order).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"message": message}))).into_response()
}

fn answer(request: &RerankRequest) -> Value {
    let words = |text: &str| -> Vec<String> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let asked = words(&request.query);
    let mut judged: Vec<(usize, f64)> = Vec::new();
    for (index, document) in request.documents.iter().enumerate() {
        let said = words(document);
        let shared = asked.iter().filter(|word| said.contains(word)).count();
        #[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
        judged.push((index, shared as f64 / asked.len().max(1) as f64));
    }
    judged.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let results: Vec<Value> = judged
        .into_iter()
        .take(request.top_n)
        .map(|(index, score)| json!({"index": index, "relevance_score": score}))
        .collect();
    json!({"id": "rerank", "results": results, "meta": {"billed_units": {"search_units": 1}}})
}
