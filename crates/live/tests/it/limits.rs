use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use replyx_live::{Limit, Live, Permit, Rate};
use tokio::{
    sync::Barrier,
    time::{Instant, sleep},
};

use crate::homes::on_every_live;

pub(crate) fn limit(key: &str, count: u32, per: Duration, burst: u32) -> Limit {
    Limit { key: key.to_owned(), rate: Rate { per, count, burst } }
}

/// A limit that earns nothing back while a test runs.
pub(crate) fn stock(key: &str, burst: u32) -> Limit {
    limit(key, 1, Duration::from_hours(1), burst)
}

pub(crate) async fn granted(live: &Live, limits: &[Limit]) -> bool {
    live.take(limits).await == Permit::Granted
}

#[on_every_live]
async fn many_takers_together_keep_the_rate(here: Live, there: Live) {
    // Ten goes at once, then one every 5 ms.
    let limits = [limit("bot", 200, Duration::from_secs(1), 10)];
    let start = Arc::new(Barrier::new(16));
    let takers = (0..16).map(|number| {
        let live = if number % 2 == 0 { here.clone() } else { there.clone() };
        let limits = limits.clone();
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            let began = Instant::now();
            let mut goes = 0_u32;
            while began.elapsed() < Duration::from_secs(1) {
                match live.take(&limits).await {
                    Permit::Granted => goes += 1,
                    Permit::Wait(wait) => {
                        // Somebody whose clock was read later may have gone first, hence no 5 ms.
                        assert!(wait <= Duration::from_secs(1), "{wait:?} is too long");
                        sleep(wait).await;
                    }
                }
            }
            goes
        })
    });
    let began = Instant::now();
    let mut total = 0;
    for taker in join_all(takers).await {
        total += taker.unwrap();
    }
    let most = 10 + u32::try_from(began.elapsed().as_micros().div_ceil(5_000)).unwrap();
    assert!(total <= most, "{total} goes where {most} are allowed");
    assert!(total >= 60, "{total} goes where about 210 are allowed");
}

#[on_every_live]
async fn a_burst_is_counted_exactly(here: Live, there: Live) {
    let asked = join_all((0..64).map(|number| {
        let live = if number % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move { granted(&live, &[stock("key", 7)]).await })
    }))
    .await;
    assert_eq!(asked.into_iter().filter(|answer| *answer.as_ref().unwrap()).count(), 7);
}

#[on_every_live]
async fn all_limits_grant_it_or_none_is_charged(here: Live, there: Live) {
    let bot = stock("bot", 3);
    let chat = stock("chat", 1);
    assert!(granted(&here, &[bot.clone(), chat.clone()]).await);
    for _ in 0..5 {
        assert!(!granted(&there, &[bot.clone(), chat.clone()]).await);
        assert!(!granted(&there, &[chat.clone(), bot.clone()]).await);
    }
    assert!(granted(&there, std::slice::from_ref(&bot)).await);
    assert!(granted(&there, std::slice::from_ref(&bot)).await);
    assert!(!granted(&there, std::slice::from_ref(&bot)).await);
    assert!(granted(&there, &[]).await, "no limits, no wait");
}

#[on_every_live]
async fn waiting_as_told_is_enough(here: Live, there: Live) {
    let limits = [limit("key", 1, Duration::from_secs(1), 1)];
    assert!(granted(&here, &limits).await);
    for _ in 0..2 {
        let Permit::Wait(wait) = there.take(&limits).await else { panic!("it is too early") };
        assert!(wait <= Duration::from_secs(1));
        // The clocks of Redis and of this process may tick a little apart.
        sleep(wait + Duration::from_millis(2)).await;
        assert!(granted(&there, &limits).await);
    }
}

#[on_every_live]
async fn the_longest_wait_of_all_limits_is_told(here: Live, there: Live) {
    let quick = limit("quick", 1, Duration::from_secs(1), 1);
    let slow = limit("slow", 1, Duration::from_secs(100), 1);
    assert!(granted(&here, &[quick.clone(), slow.clone()]).await);
    for limits in [[quick.clone(), slow.clone()], [slow.clone(), quick.clone()]] {
        let Permit::Wait(wait) = there.take(&limits).await else { panic!("it is too early") };
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100));
    }
}

#[on_every_live]
async fn what_is_left_is_told_and_is_true(here: Live, there: Live) {
    let limits = [stock("key", 5)];
    for left in (0..5).rev() {
        let live = if left % 2 == 0 { &here } else { &there };
        let spent = live.spend(&limits).await;
        assert_eq!((spent.permit, spent.left), (Permit::Granted, left));
        let full = Duration::from_hours(1) * (5 - left);
        assert!(spent.reset <= full && spent.reset + Duration::from_mins(1) > full, "{spent:?}");
    }
    for live in [&here, &there] {
        let spent = live.spend(&limits).await;
        let Permit::Wait(wait) = spent.permit else { panic!("it is spent") };
        assert!(wait > Duration::from_mins(59) && wait <= Duration::from_hours(1), "{wait:?}");
        assert_eq!(spent.left, 0);
        assert!(spent.reset > Duration::from_mins(299), "refusals cost nothing: {spent:?}");
        assert!(spent.reset <= Duration::from_hours(5), "refusals cost nothing: {spent:?}");
    }
    let spent = here.spend(&[]).await;
    assert_eq!(
        (spent.permit, spent.left, spent.reset),
        (Permit::Granted, u32::MAX, Duration::ZERO)
    );
}

#[on_every_live]
async fn what_is_left_is_that_of_the_tightest_limit_and_comes_back(here: Live, there: Live) {
    let wide = stock("wide", 100);
    let tight = stock("tight", 3);
    for limits in [[wide.clone(), tight.clone()], [tight.clone(), wide.clone()]] {
        let spent = here.spend(&limits).await;
        assert!(spent.left < 3 && spent.reset < Duration::from_hours(3), "{spent:?}");
    }
    assert_eq!(there.spend(&[tight.clone(), wide.clone()]).await.left, 0);
    let refused = there.spend(&[wide.clone(), tight]).await;
    assert!(matches!(refused.permit, Permit::Wait(_)) && refused.left == 0, "{refused:?}");
    assert_eq!(here.spend(&[wide]).await.left, 96, "the refused request cost nothing");

    let quick = [limit("quick", 1000, Duration::from_secs(1), 2)];
    assert_eq!(here.spend(&quick).await.left, 1);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(there.spend(&quick).await.left, 1, "it has been earned back");
}

#[on_every_live]
async fn nothing_is_left_of_what_is_paused(here: Live, there: Live) {
    let free = stock("free", 9);
    let paused = stock("paused", 9);
    here.pause("paused", Duration::from_mins(10)).await;
    for live in [&here, &there] {
        let spent = live.spend(&[free.clone(), paused.clone()]).await;
        let Permit::Wait(wait) = spent.permit else { panic!("it is paused") };
        assert!(
            wait > Duration::from_mins(9) && spent.left == 0 && spent.reset >= wait,
            "{spent:?}"
        );
    }
    assert_eq!(there.spend(&[free]).await.left, 8);
}

#[on_every_live]
async fn a_batch_is_answered_in_its_order(here: Live, there: Live) {
    // Every third request is for a chat that has had its go already; 70 of the others are granted.
    let requests: Vec<[Limit; 2]> = (0..150)
        .map(|number| {
            let chat = if number % 3 == 2 { number - 1 } else { number };
            [stock("bot", 70), stock(&format!("chat-{chat}"), 1)]
        })
        .collect();
    let permits = here.take_many(&requests).await;
    assert_eq!(permits.len(), 150);
    let mut left = 70;
    for (number, permit) in permits.iter().enumerate() {
        let grant = number % 3 != 2 && left > 0;
        assert_eq!(*permit == Permit::Granted, grant, "request {number}");
        left -= i32::from(grant);
    }
    assert!(!granted(&there, &[stock("bot", 70)]).await);
    assert!(granted(&there, &[stock("chat-149", 1)]).await, "a refused request cost nothing");
    assert_eq!(here.take_many(&[[]; 0]).await, []);
}

#[on_every_live]
async fn a_pause_stops_one_key_and_ends(here: Live, there: Live) {
    let paused = stock("paused", 100);
    let free = stock("free", 2);
    here.pause("paused", Duration::from_secs(2)).await;
    here.pause("paused", Duration::from_millis(1)).await;
    for live in [&here, &there] {
        let Permit::Wait(wait) = live.take(&[free.clone(), paused.clone()]).await else {
            panic!("it is paused")
        };
        assert!(wait > Duration::from_millis(100) && wait <= Duration::from_secs(2));
    }
    assert!(granted(&there, std::slice::from_ref(&free)).await);
    sleep(Duration::from_millis(2100)).await;
    assert!(granted(&there, &[free.clone(), paused.clone()]).await, "the pause cost nothing");
    assert!(!granted(&there, &[free]).await);
}

#[on_every_live]
async fn a_batch_passes_by_what_is_paused(here: Live, there: Live) {
    here.pause("chat-1", Duration::from_mins(1)).await;
    for live in [&here, &there] {
        let requests: Vec<_> = (0..3).map(|chat| vec![stock(&format!("chat-{chat}"), 2)]).collect();
        let permits = live.take_many(&requests).await;
        assert_eq!((permits[0], permits[2]), (Permit::Granted, Permit::Granted));
        assert!(matches!(permits[1], Permit::Wait(wait) if wait > Duration::from_secs(50)));
    }
}

#[on_every_live]
async fn senseless_numbers_do_no_harm(here: Live, there: Live) {
    let rates = [
        (0, Duration::ZERO, 0),
        (u32::MAX, Duration::from_nanos(1), u32::MAX),
        (1, Duration::MAX, u32::MAX),
        (0, Duration::MAX, 0),
    ];
    for (number, (count, per, burst)) in rates.into_iter().enumerate() {
        let limits = [limit(&format!("key-{number}"), count, per, burst)];
        assert!(granted(&here, &limits).await);
        if let Permit::Wait(wait) = there.take(&limits).await {
            assert!(wait <= Duration::from_hours(7 * 24));
        }
    }
    here.pause("for-ever", Duration::MAX).await;
    let Permit::Wait(wait) = there.take(&[stock("for-ever", 1)]).await else {
        panic!("it is paused")
    };
    assert!(wait <= Duration::from_hours(7 * 24) && wait > Duration::from_hours(7 * 24 - 1));
    here.pause("never", Duration::ZERO).await;
    assert!(granted(&there, &[stock("never", 1)]).await);
}
