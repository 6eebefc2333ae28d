//! Short-lived shared state: a bus, leases and limits, in process or on Redis, with one behaviour.
//!
//! # How one gets in
//!
//! [`Live::in_process`] for an installation of one process, [`Live::redis`] for many. Everything
//! else is the same: every test of this crate runs on both.
//!
//! # Which rule holds
//!
//! What is here may be lost at any instant. The truth is in the database; this crate says when to
//! look there ([`Live::subscribe`]), who should work ([`Live::acquire`]), how fast ([`Live::take`])
//! and how many at once ([`Live::enter`]).
//!
//! While Redis is away:
//!
//! - publishing and leases fail with [`LiveError::Unavailable`], within a second at worst;
//! - subscriptions live on, and give [`Signal::Gap`] every few seconds so that their readers look
//!   in the database instead;
//! - limits are kept by each process for itself, and counted in `limit_fallbacks_total`;
//! - so are gates ([`Live::enter`]), from what the process has seen until then, and counted in
//!   `gate_fallbacks_total`;
//! - the gauge `redis_available` is 0, and [`Live::health`] says so.
//!
//! It comes back by itself: connections are retried forever.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

mod bus;
mod error;
mod gates;
mod leases;
mod limits;
mod memory;
mod news;
mod quota;
mod redis;
mod turns;

pub use bus::{Signal, Subscription};
pub use error::LiveError;
pub use gates::{BreakerRules, Effect, Entry, Gate};
pub use leases::Lease;
pub use limits::{Limit, Permit, Rate, Spent};
pub use news::{Listener, News, NewsSignal, Topic, Work};
pub use quota::{Quota, RemainingQuota, TooMany};
pub use turns::{Lines, Seat, Seats};

/// The largest message that may be published, in bytes: a mailbox holds 256 of them.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// How long a caller waits for Redis at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// Short-lived state shared by all parts of an installation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live(Home);

#[derive(Clone, Debug)]
enum Home {
    Memory(Arc<Memory>),
    Redis(Arc<redis::Redis>),
}

#[derive(Debug)]
struct Memory {
    topics: Arc<bus::Topics>,
    leases: leases::Leases,
    limiter: limits::Limiter,
    gates: gates::Gates,
}

impl Live {
    /// State for an installation of one process: clones share it, nobody else does.
    pub fn in_process() -> Self {
        Self(Home::Memory(Arc::new(Memory {
            topics: Arc::new(bus::Topics::new(bus::Reach::Process)),
            leases: leases::Leases::default(),
            limiter: limits::Limiter::default(),
            gates: gates::Gates::default(),
        })))
    }

    /// State shared through the Redis at `url` (one server, version 6 or later; not a cluster).
    ///
    /// `prefix` starts every key and channel, so that installations and tests can share a server.
    /// Redis need not be there yet: this waits for it for a second, then goes on without it and
    /// connects as soon as it can.
    ///
    /// # Errors
    ///
    /// [`LiveError::Address`] when `url` is not a Redis address.
    pub async fn redis(url: &str, prefix: &str) -> Result<Self, LiveError> {
        Ok(Self(Home::Redis(Arc::new(redis::Redis::connect(url, prefix).await?))))
    }

    /// Where the state lives: `in-process` or `redis`.
    pub fn backend(&self) -> &'static str {
        match &self.0 {
            Home::Memory(_) => "in-process",
            Home::Redis(_) => "redis",
        }
    }

    /// Asks Redis for a sign of life; in process there is always one.
    ///
    /// # Errors
    ///
    /// [`LiveError::Unavailable`] when none came within a second.
    pub async fn health(&self) -> Result<(), LiveError> {
        match &self.0 {
            Home::Memory(_) => Ok(()),
            Home::Redis(redis) => redis.ping().await,
        }
    }

    /// Tells everyone who listens to `topic` now; each hears it once or not at all.
    ///
    /// # Errors
    ///
    /// [`LiveError::TooLarge`] for a payload over [`MAX_PAYLOAD`]; as [`Self::health`] otherwise.
    pub async fn publish(&self, topic: &str, payload: impl Into<Bytes>) -> Result<(), LiveError> {
        let payload = payload.into();
        if payload.len() > MAX_PAYLOAD {
            return Err(LiveError::TooLarge(payload.len()));
        }
        match &self.0 {
            Home::Memory(memory) => memory.topics.deliver(topic, &payload),
            Home::Redis(redis) => redis.publish(topic, &payload).await?,
        }
        Ok(())
    }

    /// Listens to `topic`. Everything published after this returns is heard, or a
    /// [`Signal::Gap`] says that it may not have been: subscribe first, then read the database.
    ///
    /// With Redis away this returns after a second, and a gap follows once it is back.
    pub async fn subscribe(&self, topic: &str) -> Subscription {
        let topics = match &self.0 {
            Home::Memory(memory) => &memory.topics,
            Home::Redis(redis) => redis.topics(),
        };
        let mut subscription = Subscription::join(topics, topic, self.clone());
        subscription.settle(PATIENCE).await;
        subscription
    }

    /// Takes the lease on `key` for `ttl`, unless another owner holds it (`None`).
    ///
    /// An owner who already holds it gets it again, renewed and with the same token, so a call
    /// whose answer was lost can be repeated.
    ///
    /// # Errors
    ///
    /// As [`Self::health`].
    pub async fn acquire(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, LiveError> {
        match &self.0 {
            Home::Memory(memory) => Ok(memory.leases.acquire(key, owner, ttl)),
            Home::Redis(redis) => redis.acquire(key, owner, ttl).await,
        }
    }

    /// Keeps a lease for `ttl` from now; `false` when it was lost in the meantime.
    ///
    /// # Errors
    ///
    /// As [`Self::health`]. The lease then ends as if this had not been called, at the latest.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LiveError> {
        match &self.0 {
            Home::Memory(memory) => Ok(memory.leases.renew(lease, ttl)),
            Home::Redis(redis) => redis.renew(lease, ttl).await,
        }
    }

    /// Gives a lease back. Harmless when it was lost: its next holder keeps it.
    ///
    /// # Errors
    ///
    /// As [`Self::health`]. The lease then ends by itself.
    pub async fn release(&self, lease: Lease) -> Result<(), LiveError> {
        match &self.0 {
            Home::Memory(memory) => memory.leases.release(&lease),
            Home::Redis(redis) => redis.release(&lease).await?,
        }
        Ok(())
    }

    /// Asks all `limits` for one go each. Either all grant it or none is charged.
    ///
    /// Never fails: while Redis is away each process keeps the limits for itself.
    pub async fn take(&self, limits: &[Limit]) -> Permit {
        self.spend(limits).await.permit
    }

    /// [`Self::take`], which also says what is left.
    pub async fn spend(&self, limits: &[Limit]) -> Spent {
        self.spend_many(&[limits]).await.pop().unwrap_or(Spent::UNLIMITED)
    }

    /// Charges limits that people know by name: either all let it through, or none is charged.
    /// Returns what is left of each, in the order of `quotas`.
    ///
    /// # Errors
    ///
    /// [`TooMany`] when one of them is used up.
    pub async fn charge(&self, quotas: &[Quota<'_>]) -> Result<Vec<RemainingQuota>, TooMany> {
        let limits: Vec<Limit> = quotas.iter().map(Quota::limit).collect();
        let spent = self.spend(&limits).await;
        let left: Vec<RemainingQuota> =
            quotas.iter().map(|quota| RemainingQuota::new(quota, spent)).collect();

        let Permit::Wait(wait) = spent.permit else { return Ok(left) };
        let names: Vec<&str> = quotas.iter().map(|quota| quota.setting).collect();
        metrics::counter!("rate_limited_total", "limit" => names.join("+")).increment(1);
        Err(TooMany::of(wait, left))
    }

    /// [`Self::take`] for several requests, answered in their order: one that is refused leaves
    /// its share to those after it. On Redis this is one round trip for every 64 requests.
    pub async fn take_many(&self, requests: &[impl AsRef<[Limit]> + Sync]) -> Vec<Permit> {
        let requests: Vec<&[Limit]> = requests.iter().map(AsRef::as_ref).collect();
        self.spend_many(&requests).await.into_iter().map(|spent| spent.permit).collect()
    }

    async fn spend_many(&self, requests: &[&[Limit]]) -> Vec<Spent> {
        match &self.0 {
            Home::Memory(memory) => memory.limiter.take_many(requests),
            Home::Redis(redis) => redis.take_many(requests).await,
        }
    }

    /// Grants nothing for `key` during `duration` (a week at most), whatever its rate: for the
    /// server that said "too many requests". A shorter pause does not end a longer one.
    ///
    /// This process heeds it at once and even if Redis is away; the others need Redis.
    pub async fn pause(&self, key: &str, duration: Duration) {
        match &self.0 {
            Home::Memory(memory) => memory.limiter.pause(key, duration),
            Home::Redis(redis) => redis.pause(key, duration).await,
        }
    }

    /// Passes all of `gates` or none. Places and probes are then held by `holder` for `ttl`, or as
    /// long as [`Self::keep`] keeps them, until [`Self::leave`]: a process that dies loses them.
    ///
    /// Never fails: while Redis is away each process goes by what it has seen itself.
    pub async fn enter(&self, holder: &str, ttl: Duration, gates: &[Gate]) -> Entry {
        match &self.0 {
            Home::Memory(memory) => memory.gates.enter(holder, ttl, gates),
            Home::Redis(redis) => redis.enter(holder, ttl, gates).await,
        }
    }

    /// Holds the places and probes of `gates` for `ttl` from now, where `holder` holds them still.
    pub async fn keep(&self, holder: &str, ttl: Duration, gates: &[Gate]) {
        match &self.0 {
            Home::Memory(memory) => memory.gates.keep(holder, ttl, gates),
            Home::Redis(redis) => redis.keep(holder, ttl, gates).await,
        }
    }

    /// Says what came of it. For each effect: is it a report to a breaker that is open now?
    pub async fn leave(&self, holder: &str, effects: &[Effect]) -> Vec<bool> {
        match &self.0 {
            Home::Memory(memory) => memory.gates.leave(holder, effects),
            Home::Redis(redis) => redis.leave(holder, effects).await,
        }
    }

    /// [`Self::leave`] for callers that cannot wait, such as a destructor: this process knows at
    /// once, Redis soon.
    pub fn leave_soon(&self, holder: String, effects: Vec<Effect>) {
        match &self.0 {
            Home::Memory(memory) => drop(memory.gates.leave(&holder, &effects)),
            Home::Redis(redis) => {
                redis.leave_here(&holder, &effects);
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    let redis = Arc::clone(redis);
                    runtime.spawn(async move { redis.tell(&holder, &effects).await });
                }
            }
        }
    }
}
