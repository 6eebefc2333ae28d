//! Redis disturbed, away, frozen, empty.

use std::time::Duration;

use futures::future::join_all;
use replyx_live::{Live, LiveError, Permit, Signal};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    homes::{assert_silent, heard, message},
    limits::{granted, stock},
    server::Server,
};

const LONG: Duration = Duration::from_mins(1);

/// Far longer than the second that callers wait at most: what fails is a call that hangs.
const BOUND: Duration = Duration::from_secs(20);

async fn until_healthy(live: &Live) {
    let back = async {
        while live.health().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), back).await.expect("it should come back by itself");
}

/// Every call that needs Redis fails within its bound; limits answer within theirs.
async fn assert_away(live: &Live) {
    let began = Instant::now();
    assert!(matches!(live.health().await, Err(LiveError::Unavailable(_))));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    let began = Instant::now();
    let published = live.publish("topic", "lost").await;
    assert!(matches!(published, Err(LiveError::Unavailable(_))));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    let began = Instant::now();
    let acquired = live.acquire("key", "owner", LONG).await;
    assert!(matches!(acquired, Err(LiveError::Unavailable(_))));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}

/// Waits for a gap, then for a message published in the meantime or later.
async fn assert_flows_again(live: &Live, listener: &mut replyx_live::Subscription, text: &str) {
    assert_eq!(heard(listener).await, Signal::Gap);
    let flows = async {
        loop {
            let _ = live.publish("topic", text.to_owned()).await;
            match timeout(Duration::from_millis(50), listener.next()).await {
                Ok(signal) if signal == message(text) => break,
                Ok(_) | Err(_) => {}
            }
        }
    };
    timeout(Duration::from_secs(10), flows).await.expect("messages should flow again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_bus_connection_is_a_gap_and_then_messages_flow() {
    let server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    let mut listeners = join_all((0..100).map(|_| live.subscribe("topic"))).await;
    for round in 0..5 {
        let killed: u32 = server.ask("CLIENT KILL TYPE pubsub").await;
        assert_eq!(killed, 1, "one connection serves all");
        // What was lost with the connection is made up for by the gap that follows it.
        let mut last = listeners.pop().unwrap();
        assert_flows_again(&live, &mut last, &format!("round {round}")).await;
        for listener in &mut listeners {
            assert_eq!(heard(listener).await, Signal::Gap);
            while heard(listener).await != message(&format!("round {round}")) {}
        }
        sleep(Duration::from_millis(100)).await;
        for listener in &mut listeners {
            while timeout(Duration::from_millis(1), listener.next()).await.is_ok() {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_command_connection_is_replaced_at_once() {
    let server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    for _ in 0..10 {
        let killed: u32 = server.ask("CLIENT KILL TYPE normal SKIPME yes").await;
        assert!(killed >= 1);
        let _ = live.health().await;
        sleep(Duration::from_millis(100)).await;
        live.health().await.expect("the connection should have been replaced");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_outlives_its_redis() {
    let mut server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    let mut before = live.subscribe("topic").await;
    let first = live.acquire("fenced", "owner", LONG).await.unwrap().unwrap();

    server.stop().await;
    assert_eq!(heard(&mut before).await, Signal::Gap);
    sleep(Duration::from_millis(200)).await;
    assert_away(&live).await;
    let began = Instant::now();
    let mut meanwhile = live.subscribe("topic").await;
    assert!(began.elapsed() < BOUND);
    let reminded = timeout(Duration::from_secs(8), before.next()).await;
    assert_eq!(reminded, Ok(Signal::Gap), "readers are sent to the database again and again");

    server.start().await;
    until_healthy(&live).await;
    assert_flows_again(&live, &mut before, "back").await;
    assert_flows_again(&live, &mut meanwhile, "back too").await;
    let second = live.acquire("fenced", "owner", LONG).await.unwrap().unwrap();
    assert!(second.token > first.token, "fencing survives the loss of all state");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_kept_by_the_process_while_redis_is_away() {
    let mut server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    live.pause("paused", LONG).await;
    server.stop().await;
    sleep(Duration::from_millis(200)).await;

    let began = Instant::now();
    let mut grants = 0;
    for _ in 0..1000 {
        grants += u32::from(granted(&live, &[stock("key", 5)]).await);
    }
    assert_eq!(grants, 5);
    assert!(began.elapsed() < BOUND, "known to be away, it is not asked: {:?}", began.elapsed());
    assert!(!granted(&live, &[stock("paused", 5)]).await, "an old pause holds");
    live.pause("later", LONG).await;
    assert!(!granted(&live, &[stock("later", 5)]).await, "a new pause holds");

    server.start().await;
    until_healthy(&live).await;
    assert!(!granted(&live, &[stock("later", 5)]).await, "and still does when redis is back");
    assert!(granted(&live, &[stock("key", 5)]).await, "which has granted nothing yet");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_keeps_nobody_waiting() {
    let server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    let mut listener = live.subscribe("topic").await;
    server.freeze().await;

    assert_away(&live).await;
    let asked = join_all((0..200).map(|_| async {
        let began = Instant::now();
        let grant = granted(&live, &[stock("key", 5)]).await;
        assert!(began.elapsed() < BOUND);
        grant
    }))
    .await;
    assert_eq!(asked.into_iter().filter(|grant| *grant).count(), 5);
    assert_eq!(
        timeout(Duration::from_secs(12), listener.next()).await,
        Ok(Signal::Gap),
        "the silence is noticed"
    );

    server.thaw().await;
    until_healthy(&live).await;
    // The gap at the loss may have become one with that at the return.
    let mut fresh = live.subscribe("topic").await;
    while timeout(Duration::from_millis(300), fresh.next()).await.is_ok() {}
    live.publish("topic", "thawed").await.unwrap();
    while heard(&mut listener).await != message("thawed") {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_may_start_before_its_redis() {
    let mut server = Server::stopped();
    let began = Instant::now();
    let live = Live::redis(&server.url(), "test").await.unwrap();
    assert!(began.elapsed() < BOUND);
    assert_away(&live).await;
    let mut listener = live.subscribe("topic").await;

    server.start().await;
    until_healthy(&live).await;
    assert_flows_again(&live, &mut listener, "hello").await;
}

#[tokio::test]
async fn a_senseless_address_is_refused_without_telling_it() {
    for address in
        ["", "redis", "http://secret@host", "redis://:secret@host/x", "rediss://:secret@h"]
    {
        let error = Live::redis(address, "test").await.expect_err(address);
        assert!(matches!(error, LiveError::Address(_)), "{address}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgot_everything_is_no_obstacle() {
    let server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let lease = live.acquire("key", "owner", LONG).await.unwrap().unwrap();
        assert!(lease.token > last);
        last = lease.token;
        assert!(granted(&live, &[stock("key", 1)]).await);
        assert!(!granted(&live, &[stock("key", 1)]).await);
        let _: () = server.ask("FLUSHALL").await;
        let _: () = server.ask("SCRIPT FLUSH").await;
        assert!(!live.renew(&lease, LONG).await.unwrap());
        live.release(lease).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_at_redis() {
    let server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    let listeners = join_all((0..1000).map(|number| {
        let live = live.clone();
        async move { live.subscribe(&format!("topic-{}", number % 500)).await }
    }))
    .await;
    let channels: Vec<String> = server.ask("PUBSUB CHANNELS *").await;
    assert_eq!(channels.len(), 500);
    assert!(channels.iter().all(|channel| channel.starts_with("test:bus:topic-")));

    drop(listeners);
    let all_left = async {
        while !server.ask::<Vec<String>>("PUBSUB CHANNELS *").await.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), all_left).await.expect("every topic should be left");

    let short = crate::limits::limit("key", 10, Duration::from_millis(100), 10);
    assert!(granted(&live, &[short]).await);
    live.pause("key", Duration::from_millis(50)).await;
    live.acquire("key", "owner", Duration::from_millis(50)).await.unwrap().unwrap();
    sleep(Duration::from_millis(300)).await;
    let keys: Vec<String> = server.ask("KEYS *").await;
    assert_eq!(keys, ["test:last-token"], "all else has ended by itself");

    let kept = live.subscribe("kept").await;
    drop(live);
    sleep(Duration::from_millis(100)).await;
    let connections = || async { server.ask::<String>("CLIENT LIST").await.lines().count() };
    assert_eq!(connections().await, 3, "a subscription keeps its connections");
    drop(kept);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(connections().await, 1, "only the one that asks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prefixes_keep_installations_apart() {
    let server = Server::started().await;
    let one = Live::redis(&server.url(), "one").await.unwrap();
    let other = Live::redis(&server.url(), "other").await.unwrap();
    let mut listener = other.subscribe("topic").await;
    one.publish("topic", "not for you").await.unwrap();
    assert_silent(&mut listener, Duration::from_millis(100)).await;
    one.acquire("key", "one", LONG).await.unwrap().unwrap();
    other.acquire("key", "other", LONG).await.unwrap().unwrap();
    assert_eq!(one.take(&[stock("key", 1)]).await, Permit::Granted);
    assert_eq!(other.take(&[stock("key", 1)]).await, Permit::Granted);
}
