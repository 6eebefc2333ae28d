//! The shared state on Redis: one connection for commands, one for the bus, a script for whatever
//! must happen at once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use ::redis::{
    AsyncTypedCommands, Client, FromRedisValue, IntoConnectionInfo, Script, ScriptInvocation,
};
use bytes::Bytes;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    LiveError,
    bus::{Reach, Topics},
    gates::{Effect, Gates},
    leases::{self, Lease},
    limits::{self, Limit, Limiter, Permit, Spent},
};

mod bus;
mod gates;
mod link;

use link::Link;

/// How many requests one script call answers: Redis does nothing else in the meantime, for half a
/// millisecond with three limits in each.
const REQUESTS_PER_CALL: usize = 64;

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/acquire.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/renew.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/release.lua")));
static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/take.lua")));
static PAUSE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/pause.lua")));

#[derive(Debug)]
pub(crate) struct Redis {
    prefix: String,
    link: Link,
    topics: Arc<Topics>,
    /// Keeps the limits while Redis is away, and this process's pauses always.
    limiter: Limiter,
    /// What this process has seen of the gates, for while Redis is away.
    gates: Gates,
    /// Places given back while Redis was away, with their holders.
    owed: Mutex<VecDeque<(String, Vec<Effect>)>>,
    _stop: DropGuard,
}

impl Redis {
    pub(crate) async fn connect(url: &str, prefix: &str) -> Result<Self, LiveError> {
        let info = url.into_connection_info().map_err(LiveError::Address)?;
        // Otherwise a command waits for the acknowledgement of the one before it.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(LiveError::Address)?;

        let stop = CancellationToken::new();
        let topics = Arc::new(Topics::new(Reach::Installation));
        let listening =
            bus::listen_for_ever(client.clone(), format!("{prefix}:bus:"), Arc::clone(&topics));
        tokio::spawn(stop.clone().run_until_cancelled_owned(listening));
        let link = Link::open(client, &stop).await;
        Ok(Self {
            prefix: prefix.to_owned(),
            link,
            topics,
            limiter: Limiter::default(),
            gates: Gates::default(),
            owed: Mutex::default(),
            _stop: stop.drop_guard(),
        })
    }

    pub(crate) fn topics(&self) -> &Arc<Topics> {
        &self.topics
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("{}:{kind}:{name}", self.prefix)
    }

    pub(crate) async fn ping(&self) -> Result<(), LiveError> {
        self.link.ask(async |mut redis| redis.ping().await.map(drop)).await
    }

    pub(crate) async fn publish(&self, topic: &str, payload: &Bytes) -> Result<(), LiveError> {
        let channel = self.key("bus", topic);
        self.link
            .ask(async |mut redis| redis.publish(channel, payload.as_ref()).await.map(drop))
            .await
    }

    pub(crate) async fn acquire(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, LiveError> {
        let mut call = ACQUIRE.prepare_invoke();
        call.key(self.key("lease", key)).key(format!("{}:last-token", self.prefix));
        call.arg(owner).arg(leases::bounded(ttl).as_millis());
        let token: Option<u64> = self.invoke(&call).await?;
        let lease = |token| Lease { key: key.to_owned(), owner: owner.to_owned(), token };
        Ok(token.map(lease))
    }

    pub(crate) async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LiveError> {
        let mut call = RENEW.prepare_invoke();
        call.key(self.key("lease", &lease.key)).arg(lease.token).arg(&lease.owner);
        call.arg(leases::bounded(ttl).as_millis());
        self.invoke(&call).await
    }

    pub(crate) async fn release(&self, lease: &Lease) -> Result<(), LiveError> {
        let mut call = RELEASE.prepare_invoke();
        call.key(self.key("lease", &lease.key)).arg(lease.token).arg(&lease.owner);
        self.invoke(&call).await
    }

    async fn invoke<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'static>,
    ) -> Result<T, LiveError> {
        self.link.ask(async |mut redis| call.invoke_async(&mut redis).await).await
    }

    pub(crate) async fn take_many(&self, requests: &[&[Limit]]) -> Vec<Spent> {
        let mut permits = Vec::with_capacity(requests.len());
        for requests in requests.chunks(REQUESTS_PER_CALL) {
            let asked = self.take_some(requests).await;
            permits.extend(asked.unwrap_or_else(|error| {
                tracing::debug!(error = &error as &dyn std::error::Error, "limits kept locally");
                metrics::counter!("limit_fallbacks_total").increment(requests.len() as u64);
                self.limiter.take_many(requests)
            }));
        }
        permits
    }

    /// Asks Redis, except for what this process knows to be paused.
    async fn take_some(&self, requests: &[&[Limit]]) -> Result<Vec<Spent>, LiveError> {
        let paused = requests.iter().map(|limits| self.limiter.paused(limits));
        let mut spent: Vec<Spent> = paused.map(|wait| Spent::new(wait, 0, wait)).collect();
        let open: Vec<usize> =
            (0..requests.len()).filter(|at| spent[*at].permit == Permit::Granted).collect();
        if !open.is_empty() {
            let call = self.take_call(open.iter().map(|at| requests[*at]));
            let answer: Vec<(u64, u64, u64)> = self.invoke(&call).await?;
            for (at, (wait, left, reset)) in open.into_iter().zip(answer) {
                spent[at] = Spent::new(wait, left, reset);
            }
        }
        Ok(spent)
    }

    /// The script's arguments: every key once, then the pauses of the same keys; for each request
    /// the number of its limits and of each limit its key's number, interval and tolerance.
    fn take_call<'r>(
        &self,
        requests: impl Iterator<Item = &'r [Limit]>,
    ) -> ScriptInvocation<'static> {
        let mut call = TAKE.prepare_invoke();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut keys: Vec<&str> = Vec::new();
        for limits in requests {
            call.arg(limits.len());
            for Limit { key, rate } in limits {
                let number = *numbers.entry(key).or_insert_with(|| {
                    keys.push(key);
                    keys.len()
                });
                call.arg(number).arg(rate.interval()).arg(rate.tolerance());
            }
        }
        for kind in ["limit", "pause"] {
            for key in &keys {
                call.key(self.key(kind, key));
            }
        }
        call
    }

    pub(crate) async fn pause(&self, key: &str, duration: Duration) {
        self.limiter.pause(key, duration);
        let mut call = PAUSE.prepare_invoke();
        call.key(self.key("pause", key)).arg(limits::pause_micros(duration));
        if let Err(error) = self.invoke::<()>(&call).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "a pause is known to this process only");
        }
    }
}
