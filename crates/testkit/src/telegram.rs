//! A Telegram Bot API server.
//!
//! ```no_run
//! # use replyx_testkit::telegram::FakeTelegram;
//! # use std::time::Duration;
//! # async fn example() {
//! let telegram = FakeTelegram::start().await;
//! let bot = telegram.add_bot("1001:TEST", "shop_bot");
//! let ann = bot.customer(7);
//! // A program that runs the bot at `telegram.url()` is asked, and answers:
//! let reply = ann.ask("When do you open?", Duration::from_secs(5)).await;
//! assert!(telegram.violations().is_empty());
//! # }
//! ```
//!
//! Every request is checked against the schema of Bot API 10.1: what does not keep to it is refused
//! with 400 and remembered in [`FakeTelegram::violations`]. What the schema allows and Telegram
//! refuses (an unknown chat, entities that cannot be parsed, a text that is too long, a second
//! poller) is refused as Telegram does. What Telegram would only sometimes do wrong is ordered with
//! [`FakeTelegram::inject`].

mod bot;
mod buttons;
mod chat;
mod commands;
mod dialog;
mod fault;
mod files;
mod html;
mod inbox;
mod limits;
mod menus;
mod methods;
mod reach;
mod schema;
mod server;
mod standing;
mod stored;
mod topics;
mod update;
mod webhook;
mod wire;

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::net::{Server, http_client};

pub use bot::{Bot, Refused};
pub use chat::Chat;
pub use dialog::{ChatAction, Sent, SentButton, SentFile};
pub use fault::{Injection, TelegramFault};
pub use limits::{Enforcement, Excess, Limits, Rate};
pub use webhook::Redelivery;

/// What all bots of a server have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    checks: bool,
    history: usize,
    http_webhooks: bool,
    limits: Limits,
    redelivery: Redelivery,
    faults: fault::Faults,
    violations: Mutex<VecDeque<String>>,
    client: reqwest::Client,
    // Customers may write from any thread; deliveries belong to the server's runtime.
    runtime: Handle,
    stop: CancellationToken,
}

impl Shared {
    fn violation(&self, what: String) {
        let mut list = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        list.push_back(what);
        while list.len() > self.history {
            list.pop_front();
        }
    }
}

/// Everything that the server knows.
#[derive(Debug)]
struct World {
    shared: Arc<Shared>,
    bots: Mutex<HashMap<String, Arc<bot::BotCore>>>,
}

/// How a [`FakeTelegram`] is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    addr: SocketAddr,
    checks: bool,
    history: usize,
    http_webhooks: bool,
    limits: Limits,
    redelivery: Redelivery,
}

impl Builder {
    /// Where it listens; a free port of 127.0.0.1 by default.
    #[must_use]
    pub fn addr(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Checks no requests and updates against the schema: a benchmark of something else saves the
    /// time.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.checks = false;
        self
    }

    /// How many messages of a chat, updates of a bot, violations and so on are remembered; 10,000
    /// by default.
    #[must_use]
    pub fn history(mut self, history: usize) -> Self {
        self.history = history.max(1);
        self
    }

    /// Refuses webhooks that are `http` on loopback or at another port than Telegram's. By default
    /// they may be, as with a Bot API server of one's own.
    #[must_use]
    pub fn https_webhooks_only(mut self) -> Self {
        self.http_webhooks = false;
        self
    }

    /// How many messages bots may send; by default what is too much is counted, not refused.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How a webhook that does not take an update is tried again.
    #[must_use]
    pub fn redelivery(mut self, redelivery: Redelivery) -> Self {
        self.redelivery = redelivery;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// Fails when the address is not free.
    pub async fn start(self) -> io::Result<FakeTelegram> {
        let shared = Arc::new(Shared {
            checks: self.checks,
            history: self.history,
            http_webhooks: self.http_webhooks,
            limits: self.limits,
            redelivery: self.redelivery,
            faults: fault::Faults::default(),
            violations: Mutex::default(),
            client: http_client(),
            runtime: Handle::current(),
            stop: CancellationToken::new(),
        });
        let world = Arc::new(World { shared, bots: Mutex::default() });
        let server = Server::start(self.addr, server::router(Arc::clone(&world))).await?;
        Ok(FakeTelegram { world, server })
    }
}

/// A running server; see the [module](self). It ends when this is dropped, and with it every
/// connection and delivery.
#[derive(Debug)]
pub struct FakeTelegram {
    world: Arc<World>,
    server: Server,
}

impl FakeTelegram {
    /// The defaults, to be changed before the start.
    pub fn builder() -> Builder {
        Builder {
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            checks: true,
            history: 10_000,
            http_webhooks: true,
            limits: Limits::published(Enforcement::Count),
            redelivery: Redelivery::default(),
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

    /// Starts a server at an address.
    ///
    /// # Errors
    ///
    /// Fails when the address is not free.
    pub async fn start_on(addr: SocketAddr) -> io::Result<Self> {
        Self::builder().addr(addr).start().await
    }

    /// The base of all its addresses, without a slash at the end: what `TELEGRAM_API_URL` is set
    /// to.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.addr())
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Creates a bot, or finds the one with this token.
    ///
    /// # Panics
    ///
    /// When the token has not the form of a bot's token (`1001:letters-digits`).
    pub fn add_bot(&self, token: &str, username: &str) -> Bot {
        assert!(wire::is_token(token), "a token is a number, a colon, and letters and digits");
        let mut bots = self.bots();
        let core = bots
            .entry(token.to_owned())
            .or_insert_with(|| Arc::new(bot::BotCore::new(token, username, &self.world.shared)));
        Bot(Arc::clone(core))
    }

    /// Takes a bot's token away, as its owner can: calls with it are unauthorized from now on.
    pub fn revoke(&self, token: &str) {
        if let Some(bot) = self.bots().remove(token) {
            drop(bot.inbox.revoke());
        }
    }

    /// Gives a bot a new token, as `@BotFather` does when its owner has the old one revoked: calls
    /// with the old one are unauthorized from now on, also a poll that waits; the bot keeps its
    /// chats, and what waits for it.
    ///
    /// # Panics
    ///
    /// When there is no bot with the old token, or the new one is not a token of the same bot.
    pub fn renew_token(&self, old: &str, new: &str) -> Bot {
        assert!(wire::is_token(new), "a token is a number, a colon, and letters and digits");
        assert_eq!(old.split(':').next(), new.split(':').next(), "a bot keeps its number");
        let mut bots = self.bots();
        let bot = bots.remove(old).expect("there is a bot with this token");
        let renewed = Arc::new(bot.with_token(new));
        bots.insert(new.to_owned(), Arc::clone(&renewed));
        Bot(renewed)
    }

    /// Orders a fault: `telegram.inject(TelegramFault::BreakAfter.on("sendMessage").in_chat(7))`.
    /// Of several that match a call the one ordered first affects it.
    pub fn inject(&self, injection: Injection) {
        self.world.shared.faults.order(injection);
    }

    /// Takes back all orders.
    pub fn clear_faults(&self) {
        self.world.shared.faults.clear();
    }

    /// How many orders have not been carried out to the end.
    pub fn faults_left(&self) -> usize {
        self.world.shared.faults.left()
    }

    /// Every breach of the Bot API's schema, oldest first. A client that works leaves this empty.
    pub fn violations(&self) -> Vec<String> {
        let list = &self.world.shared.violations;
        list.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn bots(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<bot::BotCore>>> {
        self.world.bots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakeTelegram {
    fn drop(&mut self) {
        self.world.shared.stop.cancel();
    }
}

/// Seconds since 1970: Telegram has a clock of its own, which nobody can set.
#[expect(
    clippy::disallowed_methods,
    reason = "the outside world does not take the product's clock"
)]
fn unix_time() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
