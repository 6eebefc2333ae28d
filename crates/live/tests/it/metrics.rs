use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use replyx_live::Live;
use tokio::time::{sleep, timeout};

use crate::{
    limits::{granted, stock},
    server::Server,
};

/// Counters as they are, gauges as the bits of their value.
#[derive(Default)]
struct Figures(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Figures {
    fn figure(&self, name: &str) -> Arc<AtomicU64> {
        Arc::clone(self.0.lock().unwrap().entry(name.to_owned()).or_default())
    }

    fn counter(&self, name: &str) -> u64 {
        self.figure(name).load(std::sync::atomic::Ordering::SeqCst)
    }

    async fn until_gauge(&self, name: &str, value: f64) {
        let reached = async {
            while self.counter(name) != value.to_bits() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), reached).await.expect("the gauge should follow");
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key.name()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key.name()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

// One thread, so that the tasks of the connection see the recorder too.
#[tokio::test(flavor = "current_thread")]
async fn an_outage_can_be_seen_from_outside() {
    let figures = Figures::default();
    let _guard = metrics::set_default_local_recorder(&figures);
    let mut server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    figures.until_gauge("redis_available", 1.0).await;
    granted(&live, &[stock("key", 9)]).await;
    assert_eq!(figures.counter("limit_fallbacks_total"), 0);

    server.stop().await;
    figures.until_gauge("redis_available", 0.0).await;
    live.take_many(&[[stock("key", 9)], [stock("key", 9)]]).await;
    granted(&live, &[stock("key", 9)]).await;
    assert_eq!(figures.counter("limit_fallbacks_total"), 3);
    assert_eq!(figures.counter("bus_connections_lost_total"), 1);

    server.start().await;
    figures.until_gauge("redis_available", 1.0).await;
}
