//! A server of models, compatible with `OpenAI`'s: chat completions, responses and embeddings.
//!
//! ```no_run
//! # use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault};
//! # async fn example() {
//! let model = FakeOpenAi::start().await;
//! model.answer(|request| Answer::text(format!("{} At nine.", request.question())));
//! model.inject(ModelFault::BreakAfter(2));
//! // A client of `model.base_url()` loses the connection once, and is answered when it asks again.
//! # }
//! ```
//!
//! Several keys may be known to it; faults can be ordered for the next request of any client, or
//! for the next one with a given key. A connection is refused once the handle is dropped.
//!
//! Without a closure it answers with the first passage that the messages carry, or else repeats the
//! question; see [`Request::first_passage`]. What is not a request of the API is refused with 400
//! and remembered in [`FakeOpenAi::violations`].

mod answer;
mod dialect;
mod embeddings;
mod fault;
mod refusal;
mod request;
mod server;
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::Router;
use serde_json::Value;

use crate::net::Server;

pub use answer::{Answer, Usage};
pub use embeddings::{EmbeddingRequest, embedding};
pub use fault::{ModelFault, RetryAfter};
pub use request::{Message, Request};

const MODELS: [&str; 5] =
    ["gpt-4o", "gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small", "text-embedding-3-large"];

type Script = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// How a [`FakeOpenAi`] is to be.
#[derive(Clone)]
pub struct Builder {
    addr: SocketAddr,
    keys: BTreeSet<String>,
    models: Vec<String>,
    unsupported: Vec<String>,
    history: usize,
    script: Script,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("addr", &self.addr)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Where it listens; a free port of 127.0.0.1 by default.
    #[must_use]
    pub fn addr(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// The only key that clients may show; `sk-test` by default.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.keys([key])
    }

    /// The keys that clients may show.
    #[must_use]
    pub fn keys<'k>(mut self, keys: impl IntoIterator<Item = &'k str>) -> Self {
        self.keys = keys.into_iter().map(str::to_owned).collect();
        self
    }

    /// A parameter that it refuses by name, as some compatible servers do, or `system role`. That
    /// is no violation.
    #[must_use]
    pub fn without_parameter(mut self, name: &str) -> Self {
        self.unsupported.push(name.to_owned());
        self
    }

    /// The models that it has; by default `gpt-4o`, `gpt-4o-mini`, `gpt-5-mini` and the
    /// `text-embedding-3` models.
    #[must_use]
    pub fn models<'m>(mut self, models: impl IntoIterator<Item = &'m str>) -> Self {
        self.models = models.into_iter().map(str::to_owned).collect();
        self
    }

    /// How many requests and violations are remembered; 1,000 by default.
    #[must_use]
    pub fn history(mut self, history: usize) -> Self {
        self.history = history.max(1);
        self
    }

    /// What it answers.
    #[must_use]
    pub fn answer(mut self, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        self.script = Arc::new(script);
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// Fails when the address is not free.
    pub async fn start(self) -> io::Result<FakeOpenAi> {
        self.serve(server::router).await
    }

    /// Starts the same server with Anthropic's protocol.
    pub(crate) async fn start_messages(self) -> io::Result<FakeOpenAi> {
        self.serve(server::messages_router).await
    }

    async fn serve(self, router: fn(Arc<World>) -> Router) -> io::Result<FakeOpenAi> {
        let world = Arc::new(World {
            keys: Mutex::new(self.keys),
            models: self.models,
            unsupported: self.unsupported,
            history: self.history,
            script: Mutex::new(self.script),
            faults: Mutex::default(),
            key_faults: Mutex::default(),
            embedding_faults: Mutex::default(),
            requests: Mutex::default(),
            embedded: Mutex::default(),
            violations: Mutex::default(),
            count: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
        });
        let server = Server::start(self.addr, router(Arc::clone(&world))).await?;
        Ok(FakeOpenAi { world, server })
    }
}

/// Everything that the server knows.
struct World {
    keys: Mutex<BTreeSet<String>>,
    models: Vec<String>,
    unsupported: Vec<String>,
    history: usize,
    script: Mutex<Script>,
    faults: Mutex<VecDeque<ModelFault>>,
    key_faults: Mutex<BTreeMap<String, VecDeque<ModelFault>>>,
    embedding_faults: Mutex<VecDeque<ModelFault>>,
    requests: Mutex<VecDeque<Arc<Request>>>,
    embedded: Mutex<VecDeque<Arc<EmbeddingRequest>>>,
    violations: Mutex<VecDeque<String>>,
    count: AtomicU64,
    refusals: AtomicU64,
}

impl World {
    fn violation(&self, what: String) {
        remember(&self.violations, what, self.history);
    }

    fn next_fault(&self, key: &str) -> Option<ModelFault> {
        let mine = lock(&self.key_faults).get_mut(key).and_then(VecDeque::pop_front);
        mine.or_else(|| lock(&self.faults).pop_front())
    }

    /// A parameter of this body that the server refuses, and what it says.
    fn unsupported(&self, body: &Value) -> Option<(String, String)> {
        let has_system = || {
            let messages = body["messages"].as_array();
            messages.is_some_and(|all| all.iter().any(|message| message["role"] == "system"))
        };
        let name = self.unsupported.iter().find(|name| {
            body.get(name.as_str()).is_some() || (*name == "system role" && has_system())
        })?;
        self.refusals.fetch_add(1, Ordering::Relaxed);
        Some((name.clone(), format!("Unsupported parameter: '{name}' is not supported.")))
    }
}

/// A running server; see the [module](self). It ends when this is dropped, and with it every
/// connection.
pub struct FakeOpenAi {
    world: Arc<World>,
    server: Server,
}

impl std::fmt::Debug for FakeOpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeOpenAi").field("addr", &self.server.addr()).finish_non_exhaustive()
    }
}

impl FakeOpenAi {
    /// The defaults, to be changed before the start.
    pub fn builder() -> Builder {
        Builder {
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            keys: ["sk-test".to_owned()].into(),
            models: MODELS.map(str::to_owned).into(),
            unsupported: Vec::new(),
            history: 1_000,
            script: Arc::new(Answer::from_passages),
        }
    }

    /// Starts a server on a free port.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    pub async fn start() -> Self {
        Self::builder().start().await.expect("loopback has a free port")
    }

    /// The base of its addresses, ending in `/v1`: what `OPENAI_BASE_URL` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.server.addr())
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Changes what it answers from now on.
    pub fn answer(&self, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        *lock(&self.world.script) = Arc::new(script);
    }

    /// Orders a fault for the next completion that has none ordered yet.
    pub fn inject(&self, fault: ModelFault) {
        lock(&self.world.faults).push_back(fault);
    }

    /// Orders a fault for the next completion asked for with this key. It goes before those ordered
    /// for anyone.
    pub fn inject_for(&self, key: &str, fault: ModelFault) {
        lock(&self.world.key_faults).entry(key.to_owned()).or_default().push_back(fault);
    }

    /// Orders a fault for the next request for embeddings; those in the middle of a stream do
    /// nothing.
    pub fn inject_embedding(&self, fault: ModelFault) {
        lock(&self.world.embedding_faults).push_back(fault);
    }

    /// From now on the key is known.
    pub fn add_key(&self, key: &str) {
        lock(&self.world.keys).insert(key.to_owned());
    }

    /// From now on the key is not known: 401.
    pub fn revoke_key(&self, key: &str) {
        lock(&self.world.keys).remove(key);
    }

    /// Takes back all orders.
    pub fn clear_faults(&self) {
        lock(&self.world.faults).clear();
        lock(&self.world.key_faults).clear();
        lock(&self.world.embedding_faults).clear();
    }

    /// How many orders have not been carried out.
    pub fn faults_left(&self) -> usize {
        let of_keys: usize = lock(&self.world.key_faults).values().map(VecDeque::len).sum();
        lock(&self.world.faults).len() + of_keys + lock(&self.world.embedding_faults).len()
    }

    /// The last valid requests for embeddings, oldest first, also those that a fault befell.
    pub fn embedding_requests(&self) -> Vec<Arc<EmbeddingRequest>> {
        lock(&self.world.embedded).iter().cloned().collect()
    }

    /// The last valid requests for a completion, oldest first, also those that a fault befell.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        lock(&self.world.requests).iter().cloned().collect()
    }

    /// How many valid requests for a completion have come, also those beyond the history.
    pub fn request_count(&self) -> u64 {
        self.world.count.load(Ordering::Relaxed)
    }

    /// How many requests were refused for a parameter that [`Builder::without_parameter`] named.
    pub fn refusals(&self) -> u64 {
        self.world.refusals.load(Ordering::Relaxed)
    }

    /// Every breach of the API, oldest first. A client that works leaves this empty.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.world.violations).iter().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<T>(list: &Mutex<VecDeque<T>>, item: T, most: usize) {
    let mut list = lock(list);
    list.push_back(item);
    while list.len() > most {
        list.pop_front();
    }
}
