//! The homes of the shared state. On Redis, `here` and `there` are two processes of an
//! installation.

use std::time::Duration;

use replyx_live::{Live, Signal, Subscription};
use tokio::time::timeout;

pub(crate) use replyx_testkit_macros::on_every_live;

pub(crate) async fn on_redis() -> (Live, Live) {
    let url = std::env::var("REPLYX_TEST_REDIS").expect(
        "REPLYX_TEST_REDIS names no Redis: run the tests through `make test` or `scripts/services run`",
    );
    let prefix = unique("test");
    let here = Live::redis(&url, &prefix).await.unwrap();
    let there = Live::redis(&url, &prefix).await.unwrap();
    here.health().await.expect("the Redis of REPLYX_TEST_REDIS should answer");
    (here, there)
}

pub(crate) fn unique(word: &str) -> String {
    format!("{word}-{:016x}", rand::random::<u64>())
}

/// The next signal, which must come within ten seconds.
pub(crate) async fn heard(subscription: &mut Subscription) -> Signal {
    timeout(Duration::from_secs(10), subscription.next()).await.expect("a signal should come")
}

/// Fails if anything is heard within `time`.
pub(crate) async fn assert_silent(subscription: &mut Subscription, time: Duration) {
    if let Ok(signal) = timeout(time, subscription.next()).await {
        panic!("{signal:?} should not have been heard");
    }
}

pub(crate) fn message(text: &str) -> Signal {
    Signal::Message(text.to_owned().into())
}
