use std::time::Duration;

use futures::future::join_all;
use replyx_live::Live;
use tokio::time::{sleep, timeout};

use crate::homes::on_every_live;

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(500);

#[on_every_live]
async fn one_of_many_gets_it(here: Live, there: Live) {
    for round in 0..20 {
        let key = format!("key-{round}");
        let asked = join_all((0..16).map(|number| {
            let live = if number % 2 == 0 { here.clone() } else { there.clone() };
            let key = key.clone();
            tokio::spawn(async move { live.acquire(&key, &format!("owner-{number}"), LONG).await })
        }))
        .await;
        let won = asked.into_iter().filter_map(|answer| answer.unwrap().unwrap()).count();
        assert_eq!(won, 1);
    }
}

#[on_every_live]
async fn it_ends_by_itself_and_the_next_has_a_higher_token(here: Live, there: Live) {
    let first = here.acquire("key", "first", SHORT).await.unwrap().unwrap();
    assert_eq!(there.acquire("key", "second", LONG).await.unwrap(), None);
    sleep(SHORT * 2).await;

    assert!(!here.renew(&first, LONG).await.unwrap(), "it has ended, even if nobody has it");
    let second = there.acquire("key", "second", LONG).await.unwrap().unwrap();
    assert!(second.token > first.token);
    assert!(!here.renew(&first, LONG).await.unwrap(), "it belongs to another");
    here.release(first).await.unwrap();
    assert_eq!(here.acquire("key", "third", LONG).await.unwrap(), None, "still the second's");
    assert!(there.renew(&second, LONG).await.unwrap());
}

#[on_every_live]
async fn a_renewed_lease_outlives_its_first_time(here: Live, there: Live) {
    let lease = here.acquire("key", "first", SHORT * 3).await.unwrap().unwrap();
    for _ in 0..6 {
        sleep(SHORT).await;
        assert!(here.renew(&lease, SHORT * 3).await.unwrap());
        assert_eq!(there.acquire("key", "second", LONG).await.unwrap(), None);
    }
    assert!(here.renew(&lease, SHORT).await.unwrap(), "renewing may also shorten");
    sleep(SHORT * 2).await;
    assert!(there.acquire("key", "second", LONG).await.unwrap().is_some());
}

#[on_every_live]
async fn its_owner_may_ask_again(here: Live, there: Live) {
    let lease = here.acquire("key", "first", SHORT).await.unwrap().unwrap();
    let again = there.acquire("key", "first", LONG).await.unwrap().unwrap();
    assert_eq!(again, lease);
    sleep(SHORT * 2).await;
    assert_eq!(there.acquire("key", "second", LONG).await.unwrap(), None, "it was renewed");
}

#[on_every_live]
async fn the_same_owner_after_an_end_has_a_higher_token(here: Live, there: Live) {
    let first = here.acquire("key", "owner", SHORT).await.unwrap().unwrap();
    sleep(SHORT * 2).await;
    let second = there.acquire("key", "owner", LONG).await.unwrap().unwrap();
    assert!(second.token > first.token);
    assert!(!here.renew(&first, LONG).await.unwrap());
    here.release(first).await.unwrap();
    assert!(here.renew(&second, LONG).await.unwrap(), "the old lease released nothing");
}

#[on_every_live]
async fn tokens_grow_with_every_acquisition(here: Live, there: Live) {
    let mut last = 0;
    for round in 0..100 {
        let live = if round % 2 == 0 { &here } else { &there };
        let lease = live.acquire("key", "owner", LONG).await.unwrap().unwrap();
        assert!(lease.token > last);
        assert!(i64::try_from(lease.token).is_ok(), "a database can store it");
        last = lease.token;
        live.release(lease).await.unwrap();
    }
}

#[tokio::test]
async fn tokens_grow_over_the_restart_of_a_single_process() {
    let mut last = 0;
    for _ in 0..3 {
        let live = Live::in_process();
        let lease = live.acquire("key", "owner", LONG).await.unwrap().unwrap();
        assert!(lease.token > last);
        last = lease.token;
        sleep(Duration::from_millis(1)).await;
    }
}

#[on_every_live]
async fn names_may_be_anything(here: Live, there: Live) {
    for owner in ["", "a b", "12 34", "line\nbreak", "Привет\0", "%d+"] {
        let key = format!("key {owner}");
        let lease = here.acquire(&key, owner, LONG).await.unwrap().unwrap();
        assert_eq!(there.acquire(&key, owner, LONG).await.unwrap().as_ref(), Some(&lease));
        assert_eq!(there.acquire(&key, "other", LONG).await.unwrap(), None);
        assert!(there.renew(&lease, LONG).await.unwrap());
        here.release(lease).await.unwrap();
        assert!(there.acquire(&key, "other", LONG).await.unwrap().is_some());
    }
}

#[on_every_live]
async fn any_time_to_live_is_taken(here: Live, there: Live) {
    for (number, ttl) in
        [Duration::ZERO, Duration::from_nanos(1), Duration::MAX].into_iter().enumerate()
    {
        let lease = here.acquire(&format!("key-{number}"), "owner", ttl).await.unwrap().unwrap();
        let renewed = timeout(LONG, there.renew(&lease, ttl)).await.unwrap().unwrap();
        assert!(renewed || ttl < LONG);
    }
}
