//! The connection for the bus: one for all subscriptions of the process.
//!
//! The topics somebody listens to are the desired state, the channels subscribed at Redis the
//! actual one; [`reconcile`] makes the second match the first, many changes at a time.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use redis::{
    Client, RedisError, RedisResult, Value,
    aio::{PubSub, PubSubSink},
};
use tokio::time::{Instant, sleep, timeout};

use super::link::jittered;
use crate::{PATIENCE, bus::Topics};

/// The first and the longest time between two attempts to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A connection that lived this long was a good one: the next is made without delay.
const STABLE: Duration = Duration::from_secs(10);

/// How often listeners are sent to the database while Redis is away.
const GAP_EVERY: Duration = Duration::from_secs(5);

/// How often an idle connection is tried, and how long any answer may take.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// How many topics are joined or left with one command.
const BATCH: usize = 512;

pub(super) async fn listen_for_ever(client: Client, prefix: String, topics: Arc<Topics>) {
    let (mut delay, longest) = BACKOFF;
    let mut last_gap = Instant::now();
    loop {
        let started = Instant::now();

        match bounded(PATIENCE, client.get_async_pubsub()).await {
            Ok(connection) => {
                let error = listen(connection, &prefix, &topics).await;
                topics.set_lost();
                last_gap = Instant::now();
                metrics::counter!("bus_connections_lost_total").increment(1);
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "message bus disconnected"
                );
            }
            Err(_) if last_gap.elapsed() > GAP_EVERY => {
                topics.set_lost();
                last_gap = Instant::now();
            }
            Err(_) => {}
        }

        if started.elapsed() > STABLE {
            delay = BACKOFF.0;
        }

        sleep(jittered(delay)).await;
        delay = longest.min(delay * 2);
    }
}

/// Hands out messages until the connection is lost.
async fn listen(connection: PubSub, prefix: &str, topics: &Topics) -> RedisError {
    let (sink, mut messages) = connection.split();
    let hand_out = async {
        while let Some(message) = messages.next().await {
            if let Some(topic) = message.get_channel_name().strip_prefix(prefix) {
                topics.deliver(topic, &Bytes::copy_from_slice(message.get_payload_bytes()));
            }
        }
        RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    tokio::select! {
        error = hand_out => error,
        Err(error) = reconcile(sink, prefix, topics) => error,
    }
}

async fn reconcile(mut sink: PubSubSink, prefix: &str, topics: &Topics) -> RedisResult<()> {
    let mut joined: HashSet<Arc<str>> = HashSet::new();
    let channels = |names: &[Arc<str>]| -> Vec<String> {
        names.iter().map(|name| format!("{prefix}{name}")).collect()
    };
    loop {
        let (wanted, unwanted) = topics.take_changed(BATCH);

        if wanted.is_empty() && unwanted.is_empty() {
            if timeout(CHECK_EVERY, topics.changed.notified()).await.is_err() {
                bounded(CHECK_EVERY, sink.ping::<Value>()).await?;
            }
            continue;
        }

        let join: Vec<_> = wanted.iter().filter(|name| !joined.contains(*name)).cloned().collect();
        if !join.is_empty() {
            bounded(CHECK_EVERY, sink.subscribe(channels(&join))).await?;
            joined.extend(join);
        }

        let leave: Vec<_> = unwanted.into_iter().filter(|name| joined.remove(name)).collect();
        if !leave.is_empty() {
            bounded(CHECK_EVERY, sink.unsubscribe(channels(&leave))).await?;
        }

        topics.set_joined(&wanted);
    }
}

async fn bounded<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(limit, work).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}
