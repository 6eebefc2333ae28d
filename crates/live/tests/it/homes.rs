//! The homes of the shared state. On Redis, `here` and `there` are two processes of an installation.

use std::time::Duration;

use replyx_live::{Live, Signal, Subscription};
use tokio::time::timeout;

/// Runs the test once in process and once on Redis.
macro_rules! on_every_home {
    (async fn $name:ident($here:ident, $there:ident) $body:block) => {
        mod $name {
            #[allow(clippy::wildcard_imports, unused_imports)]
            use super::*;

            async fn check($here: replyx_live::Live, $there: replyx_live::Live) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_process() {
                let live = replyx_live::Live::in_process();
                check(live.clone(), live).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_redis() {
                let (here, there) = crate::homes::on_redis().await;
                check(here, there).await;
            }
        }
    };
}
pub(crate) use on_every_home;

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
