use std::time::Duration;

use futures::future::join_all;
use replyx_live::{BreakerRules, Effect, Entry, Gate, Live};
use tokio::time::sleep;

use crate::{homes::on_every_live, server::Server};

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(400);
const GRANTED: Entry = Entry::Granted { probe: false };
const PROBE: Entry = Entry::Granted { probe: true };

fn place(key: &str, most: u32) -> Gate {
    Gate::Place { key: key.to_owned(), most }
}

fn count(key: &str, by: i64, most: Option<i64>) -> Gate {
    Gate::Count { key: key.to_owned(), by, most, ttl: LONG }
}

fn breaker(key: &str) -> Gate {
    Gate::Breaker { key: key.to_owned() }
}

fn free(key: &str) -> Effect {
    Effect::Free { key: key.to_owned() }
}

fn report(key: &str, worked: Option<bool>) -> Effect {
    let rules = BreakerRules { open: SHORT, longest: SHORT * 3, ..BreakerRules::default() };
    Effect::Report { key: key.to_owned(), worked, rules }
}

async fn enter(live: &Live, holder: &str, gates: &[Gate]) -> Entry {
    live.enter(holder, LONG, gates).await
}

fn refused_by(entry: Entry) -> usize {
    let Entry::Refused { gate, wait } = entry else { panic!("{entry:?} should be a refusal") };
    assert!(wait > Duration::ZERO && wait <= LONG, "{wait:?}");
    gate
}

#[on_every_live]
async fn places_are_counted_exactly_and_given_back(here: Live, there: Live) {
    let asked = join_all((0..40).map(|number| {
        let live = if number % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move {
            (number, enter(&live, &format!("holder-{number}"), &[place("door", 7)]).await)
        })
    }))
    .await;
    let inside: Vec<_> =
        asked.into_iter().map(Result::unwrap).filter(|(_, entry)| *entry == GRANTED).collect();
    assert_eq!(inside.len(), 7);
    let holder = format!("holder-{}", inside[0].0);
    assert_eq!(enter(&there, &holder, &[place("door", 7)]).await, GRANTED, "it has one");
    assert_eq!(refused_by(enter(&there, "late", &[place("door", 7)]).await), 0);
    assert_eq!(there.leave("stranger", &[free("door")]).await, [false]);
    assert_eq!(refused_by(enter(&here, "late", &[place("door", 7)]).await), 0);
    here.leave(&holder, &[free("door")]).await;
    assert_eq!(enter(&there, "late", &[place("door", 7)]).await, GRANTED);
}

#[on_every_live]
async fn places_of_the_dead_become_free_and_those_of_the_living_do_not(here: Live, there: Live) {
    let gates = [place("door", 1)];
    assert_eq!(here.enter("alive", SHORT, &gates).await, GRANTED);
    for _ in 0..4 {
        sleep(SHORT / 2).await;
        here.keep("alive", SHORT, &gates).await;
        assert_eq!(refused_by(enter(&there, "next", &gates).await), 0);
    }
    sleep(SHORT * 2).await;
    assert_eq!(enter(&there, "next", &gates).await, GRANTED);
    here.keep("alive", LONG, &gates).await;
    there.leave("next", &[free("door")]).await;
    assert_eq!(enter(&there, "another", &gates).await, GRANTED, "what is lost is not kept");
    there.leave_soon("another".to_owned(), vec![free("door")]);
    sleep(SHORT / 4).await;
    assert_eq!(enter(&here, "last", &gates).await, GRANTED);
}

#[on_every_live]
async fn all_gates_are_passed_or_none(here: Live, there: Live) {
    let full = [count("calls", 1, Some(2)), place("door", 1), breaker("provider")];
    assert_eq!(enter(&here, "first", &full).await, GRANTED);
    for _ in 0..5 {
        assert_eq!(refused_by(enter(&there, "second", &full).await), 1);
    }
    here.leave("first", &[free("door")]).await;
    assert_eq!(enter(&there, "second", &full).await, GRANTED, "refusals were not counted");
    there.leave("second", &[free("door")]).await;
    assert_eq!(refused_by(enter(&here, "third", &full).await), 0);
    assert_eq!(enter(&here, "third", &[]).await, GRANTED);
}

#[on_every_live]
async fn counters_have_bounds_seeds_and_an_end(here: Live, there: Live) {
    let asked = join_all((0..20).map(|number| {
        let live = if number % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move { enter(&live, "x", &[count("day", 1, Some(3))]).await })
    }))
    .await;
    assert_eq!(asked.into_iter().filter(|entry| *entry.as_ref().unwrap() == GRANTED).count(), 3);
    assert_eq!(refused_by(enter(&there, "x", &[count("day", 0, Some(3))]).await), 0);
    assert_eq!(enter(&there, "x", &[count("day", 1, None)]).await, GRANTED, "it only counts");
    assert_eq!(enter(&there, "x", &[count("day", 1, Some(5))]).await, GRANTED);
    assert_eq!(refused_by(enter(&there, "x", &[count("day", 2, Some(6))]).await), 0);

    let raise = |to| Effect::Raise { key: "month".to_owned(), to, ttl: LONG };
    let add = |by| Effect::Add { key: "month".to_owned(), by, ttl: LONG };
    here.leave("", &[add(4), raise(10), raise(2), add(5)]).await;
    assert_eq!(enter(&there, "x", &[count("month", 0, Some(16))]).await, GRANTED);
    assert_eq!(refused_by(enter(&there, "x", &[count("month", 0, Some(15))]).await), 0);
    assert_eq!(refused_by(enter(&there, "x", &[count("never", 1, Some(0))]).await), 0);

    let brief = [Gate::Count { key: "brief".to_owned(), by: 1, most: Some(1), ttl: SHORT }];
    assert_eq!(enter(&here, "x", &brief).await, GRANTED);
    sleep(SHORT / 2).await;
    let Entry::Refused { wait, .. } = enter(&there, "x", &brief).await else { panic!("full") };
    assert!(wait <= SHORT, "asking does not lengthen it: {wait:?}");
    sleep(SHORT).await;
    assert_eq!(enter(&there, "x", &brief).await, GRANTED);
}

fn hold(by: i64, most: Option<i64>) -> Gate {
    Gate::Hold { key: "money".to_owned(), by, most, ttl: LONG }
}

fn settle(by: i64) -> Effect {
    Effect::Settle { key: "money".to_owned(), by, ttl: LONG }
}

#[on_every_live]
async fn what_is_set_aside_is_never_more_than_there_is(here: Live, there: Live) {
    let asked = join_all((0..32).map(|number| {
        let live = if number % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move {
            (number, enter(&live, &format!("call-{number}"), &[hold(30, Some(100))]).await)
        })
    }))
    .await;
    let inside: Vec<_> =
        asked.into_iter().map(Result::unwrap).filter(|(_, entry)| *entry == GRANTED).collect();
    assert_eq!(inside.len(), 3, "three times 30 are in 100, four times are not");
    let Entry::Refused { wait, .. } = enter(&there, "late", &[hold(30, Some(100))]).await else {
        panic!("nothing is left");
    };
    assert!(wait < Duration::from_secs(1), "what others have set aside may come back: {wait:?}");

    // One took less than it had set aside, one nothing, one what it had said.
    for ((number, _), took) in inside.iter().zip([10, 0, 30]) {
        here.leave(&format!("call-{number}"), &[settle(took)]).await;
    }
    assert_eq!(enter(&there, "late", &[hold(60, Some(100))]).await, GRANTED);
    assert_eq!(
        enter(&here, "late", &[hold(60, Some(100))]).await,
        GRANTED,
        "its own does not bar it"
    );
    there.leave("late", &[settle(60)]).await;
    let Entry::Refused { wait, .. } = enter(&here, "last", &[hold(1, Some(100))]).await else {
        panic!("all is spent");
    };
    assert!(wait > Duration::from_secs(10), "it comes back with the next day: {wait:?}");
    assert_eq!(
        enter(&here, "free", &[hold(1_000, None)]).await,
        GRANTED,
        "without a bound it goes"
    );
}

#[on_every_live]
async fn what_the_dead_have_set_aside_is_free_again(here: Live, there: Live) {
    let gates = [hold(80, Some(100))];
    assert_eq!(here.enter("alive", SHORT, &gates).await, GRANTED);
    for _ in 0..4 {
        sleep(SHORT / 2).await;
        here.keep("alive", SHORT, &gates).await;
        assert_eq!(refused_by(enter(&there, "next", &gates).await), 0);
    }
    sleep(SHORT * 2).await;
    assert_eq!(enter(&there, "next", &gates).await, GRANTED);
    here.keep("alive", LONG, &gates).await;
    there.leave("next", &[settle(80)]).await;
    let Entry::Refused { wait, .. } = enter(&here, "other", &[hold(21, Some(100))]).await else {
        panic!("20 are left");
    };
    assert!(wait > Duration::from_secs(10), "{wait:?}");
    let more = Gate::Hold { key: "new".to_owned(), by: 100, most: Some(50), ttl: LONG };
    let Entry::Refused { wait, .. } = enter(&here, "other", &[more]).await else {
        panic!("100 are not in 50");
    };
    assert!(wait > Duration::from_secs(10), "what never fits is not tried again soon: {wait:?}");
}

#[on_every_live]
async fn what_is_shut_opens_by_itself_or_by_hand(here: Live, there: Live) {
    let gate = [Gate::Open { key: "key".to_owned() }];
    let shut = |time| Effect::Shut { key: "key".to_owned(), time };
    assert_eq!(enter(&here, "x", &gate).await, GRANTED);
    here.leave("x", &[shut(LONG), shut(Duration::from_millis(1))]).await;
    sleep(Duration::from_millis(20)).await;
    for live in [&here, &there] {
        assert_eq!(refused_by(enter(live, "x", &gate).await), 0);
    }
    there.leave("y", &[Effect::Reopen { key: "key".to_owned() }]).await;
    assert_eq!(enter(&here, "x", &gate).await, GRANTED);
    here.leave("x", &[shut(SHORT)]).await;
    sleep(SHORT * 2).await;
    assert_eq!(enter(&there, "x", &gate).await, GRANTED);
    here.leave("x", &[shut(Duration::MAX)]).await;
    assert!(matches!(enter(&here, "x", &gate).await, Entry::Refused { .. }));
}

#[on_every_live]
async fn three_failures_in_a_row_open_a_breaker_for_all_but_one_at_a_time(here: Live, there: Live) {
    let gates = [breaker("it")];
    for (number, opened) in [false, false, true].into_iter().enumerate() {
        assert_eq!(enter(&here, "x", &gates).await, GRANTED, "{number}");
        assert_eq!(here.leave("x", &[report("it", Some(false))]).await, [opened]);
    }
    assert_eq!(refused_by(enter(&there, "y", &gates).await), 0);
    // What had begun before says nothing any more.
    assert_eq!(there.leave("old", &[report("it", Some(true))]).await, [true]);
    sleep(SHORT + SHORT / 4).await;
    let asked = join_all((0..16).map(|number| {
        let live = if number % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move {
            let holder = format!("probe-{number}");
            (enter(&live, &holder, &[breaker("it")]).await, holder)
        })
    }))
    .await;
    let mut probes: Vec<_> =
        asked.into_iter().map(Result::unwrap).filter(|(entry, _)| *entry == PROBE).collect();
    assert_eq!(probes.len(), 1);
    let holder = probes.pop().unwrap().1;
    assert_eq!(there.leave(&holder, &[report("it", Some(false))]).await, [true]);
    sleep(SHORT + SHORT / 4).await;
    assert_eq!(refused_by(enter(&here, "y", &gates).await), 0, "twice as long");
    sleep(SHORT).await;
    assert_eq!(enter(&here, "gone", &gates).await, PROBE);
    here.leave("gone", &[report("it", None)]).await;
    assert_eq!(enter(&there, "next", &gates).await, PROBE, "who goes lets another try");
    assert_eq!(there.leave("next", &[report("it", Some(true))]).await, [false]);
    for holder in ["a", "b"] {
        assert_eq!(enter(&here, holder, &gates).await, GRANTED);
    }
}

#[on_every_live]
async fn two_failures_of_three_open_a_breaker_and_a_dead_probe_is_replaced(
    here: Live,
    there: Live,
) {
    for number in 0..12 {
        let every_other = [report("half", Some(false)), report("half", Some(true))];
        assert_eq!(here.leave("x", &every_other).await, [false, false], "{number}");
    }
    let two_of_three = [Some(false), Some(true), Some(false)].map(|worked| report("it", worked));
    assert_eq!(here.leave("x", &two_of_three).await, [false; 3]);
    assert_eq!(there.leave("x", &two_of_three).await, [false; 3]);
    assert_eq!(there.leave("x", &[report("it", Some(false))]).await, [true]);
    sleep(SHORT + SHORT / 4).await;
    assert_eq!(here.enter("dead", SHORT, &[breaker("it")]).await, PROBE);
    here.keep("dead", SHORT * 2, &[breaker("it")]).await;
    sleep(SHORT + SHORT / 4).await;
    assert_eq!(refused_by(enter(&there, "y", &[breaker("it")]).await), 0, "it was kept");
    sleep(SHORT).await;
    assert_eq!(enter(&there, "y", &[breaker("it")]).await, PROBE);

    let old = BreakerRules { window: SHORT / 8, open: SHORT, ..BreakerRules::default() };
    for _ in 0..12 {
        let told = |worked| Effect::Report { key: "slow".into(), worked: Some(worked), rules: old };
        let two_of_three = [false, false, true].map(told);
        assert_eq!(here.leave("x", &two_of_three).await, [false; 3], "the others are too old");
        sleep(SHORT / 6).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_away_a_process_goes_by_what_it_has_seen() {
    let mut server = Server::started().await;
    let live = Live::redis(&server.url(), "test").await.unwrap();
    let gates = [count("calls", 1, Some(4)), place("door", 2)];
    assert_eq!(enter(&live, "first", &gates).await, GRANTED);
    assert_eq!(enter(&live, "second", &gates).await, GRANTED);
    let shut = Effect::Shut { key: "key".to_owned(), time: LONG };
    live.leave("x", &[shut, report("it", Some(false)), report("it", Some(false))]).await;

    server.stop().await;
    assert_eq!(refused_by(enter(&live, "third", &gates).await), 1, "both places are taken");
    live.leave("first", &[free("door"), report("it", Some(false))]).await;
    assert_eq!(enter(&live, "third", &gates).await, GRANTED);
    live.leave_soon("second".to_owned(), vec![free("door")]);
    assert_eq!(enter(&live, "fourth", &gates).await, GRANTED);
    live.leave("fourth", &[free("door")]).await;
    assert_eq!(refused_by(enter(&live, "fifth", &gates).await), 0, "four were counted");
    assert_eq!(refused_by(enter(&live, "x", &[Gate::Open { key: "key".to_owned() }]).await), 0);
    assert_eq!(refused_by(enter(&live, "x", &[breaker("it")]).await), 0);

    server.start().await;
    while live.health().await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(enter(&live, "sixth", &gates).await, GRANTED, "redis knows nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_given_back_while_redis_was_away_are_free_when_it_is_back() {
    let server = Server::started().await;
    let here = Live::redis(&server.url(), "test").await.unwrap();
    let there = Live::redis(&server.url(), "test").await.unwrap();
    let gates = [place("door", 3)];
    for holder in ["a", "b", "c"] {
        assert_eq!(enter(&here, holder, &gates).await, GRANTED);
    }
    server.freeze().await;
    here.leave("a", &[free("door")]).await;
    here.leave_soon("b".to_owned(), vec![free("door")]);
    sleep(Duration::from_millis(1_500)).await;
    server.thaw().await;
    while here.health().await.is_err() || there.health().await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
    // The first to enter settles what this process owes.
    let _ = enter(&here, "d", &gates).await;
    assert_eq!(enter(&there, "e", &gates).await, GRANTED);
}
