//! A chat completions server, compatible with `OpenAI`'s.
//!
//! ```no_run
//! # use replyx_testkit::openai::{Answer, FakeOpenAi, Fault};
//! # async fn example() {
//! let model = FakeOpenAi::start().await;
//! model.answer(|request| Answer::text(format!("{} At nine.", request.question())));
//! model.inject(Fault::BreakAfter(2));
//! // A client of `model.base_url()` loses the connection once, and is answered when it asks again.
//! # }
//! ```
//!
//! Without a closure it answers with the first passage that the messages carry, or else repeats the
//! question; see [`Request::first_passage`]. What is not a request of the API is refused with 400
//! and remembered in [`FakeOpenAi::violations`].

mod answer;
mod fault;
mod request;
mod server;
mod stream;

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::net::Server;

pub use answer::{Answer, Usage};
pub use fault::Fault;
pub use request::{Message, Request};

type Script = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// How a [`FakeOpenAi`] is to be.
#[derive(Clone)]
pub struct Builder {
    addr: SocketAddr,
    key: String,
    models: Vec<String>,
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

    /// The key that clients must show; `sk-test` by default.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// The models that it has; `gpt-4o` and `gpt-4o-mini` by default.
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
        let world = Arc::new(World {
            key: self.key,
            models: self.models,
            history: self.history,
            script: Mutex::new(self.script),
            faults: Mutex::default(),
            requests: Mutex::default(),
            violations: Mutex::default(),
            count: AtomicU64::new(0),
        });
        let server = Server::start(self.addr, server::router(Arc::clone(&world))).await?;
        Ok(FakeOpenAi { world, server })
    }
}

/// Everything that the server knows.
struct World {
    key: String,
    models: Vec<String>,
    history: usize,
    script: Mutex<Script>,
    faults: Mutex<VecDeque<Fault>>,
    requests: Mutex<VecDeque<Arc<Request>>>,
    violations: Mutex<VecDeque<String>>,
    count: AtomicU64,
}

impl World {
    fn violation(&self, what: String) {
        remember(&self.violations, what, self.history);
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
            key: "sk-test".to_owned(),
            models: ["gpt-4o", "gpt-4o-mini"].map(str::to_owned).into(),
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

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Changes what it answers from now on.
    pub fn answer(&self, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        *lock(&self.world.script) = Arc::new(script);
    }

    /// Orders a fault for the next completion that has none ordered yet.
    pub fn inject(&self, fault: Fault) {
        lock(&self.world.faults).push_back(fault);
    }

    /// Takes back all orders.
    pub fn clear_faults(&self) {
        lock(&self.world.faults).clear();
    }

    /// How many orders have not been carried out.
    pub fn faults_left(&self) -> usize {
        lock(&self.world.faults).len()
    }

    /// The last valid requests for a completion, oldest first, also those that a fault befell.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        lock(&self.world.requests).iter().cloned().collect()
    }

    /// How many valid requests for a completion have come, also those beyond the history.
    pub fn request_count(&self) -> u64 {
        self.world.count.load(Ordering::Relaxed)
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
