use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_storage::{Db, idempotency::KeyedRequest, on_every_db, testing::TestDb};
use tokio::task::JoinSet;

use crate::given::{self, at};

const STALE: Duration = Duration::from_mins(2);

/// Request `x` of caller `me`.
async fn begin(db: &Db, key: &str, now: DateTime<Utc>) -> KeyedRequest {
    begin_as(db, "me", key, "x", now).await
}

async fn begin_as(
    db: &Db,
    scope: &str,
    key: &str,
    request: &str,
    now: DateTime<Utc>,
) -> KeyedRequest {
    commit!(db, |tx| tx.system().idempotency().begin(scope, key, request, now, STALE))
}

async fn finish(db: &Db, key: &str, status: u16, response: &[u8]) {
    commit!(db, |tx| tx.system().idempotency().finish("me", key, status, response));
}

fn done(status: u16, response: &[u8]) -> KeyedRequest {
    KeyedRequest::Done { status, response_sealed: response.to_vec() }
}

/// How many of so many begins at once get the key; all others hear that it is being done.
async fn fresh_of(db: &Db, count: u64, key: &'static str, now: DateTime<Utc>) -> usize {
    let mut begins = JoinSet::new();
    for number in 0..count {
        let db = db.clone();
        // No two clocks agree.
        let now = now - Duration::from_micros(number);
        begins.spawn(async move { begin(&db, key, now).await });
    }
    let begun = begins.join_all().await;
    assert!(
        begun.iter().all(|begun| matches!(begun, KeyedRequest::Fresh | KeyedRequest::Running)),
        "{begun:?}"
    );
    begun.iter().filter(|begun| **begun == KeyedRequest::Fresh).count()
}

#[on_every_db]
async fn a_request_is_done_once_and_its_answer_given_to_all_who_repeat_it(home: &TestDb) {
    let db = &home.db;
    let answer = [0, 159, 255, 0, b'x'];
    assert_eq!(begin(db, "a", at(0)).await, KeyedRequest::Fresh);
    assert_eq!(begin(db, "a", at(1)).await, KeyedRequest::Running);
    finish(db, "a", 201, &answer).await;
    for _ in 0..2 {
        assert_eq!(begin(db, "a", at(2)).await, done(201, &answer));
    }
    // An answer does not grow stale, and stays what it is.
    finish(db, "a", 500, b"late").await;
    commit!(db, |tx| tx.system().idempotency().abandon("me", "a"));
    assert_eq!(begin(db, "a", at(999_999)).await, done(201, &answer));
    finish(db, "never begun", 200, b"").await;
    assert_eq!(begin(db, "never begun", at(3)).await, KeyedRequest::Fresh);
}

#[on_every_db]
async fn a_key_is_its_callers_and_its_requests(home: &TestDb) {
    let db = &home.db;
    assert_eq!(begin_as(db, "me", "a", "x", at(0)).await, KeyedRequest::Fresh);
    assert_eq!(begin_as(db, "me", "a", "y", at(0)).await, KeyedRequest::Other);
    assert_eq!(begin_as(db, "me", "A", "y", at(0)).await, KeyedRequest::Fresh);
    assert_eq!(begin_as(db, "you", "a", "x", at(0)).await, KeyedRequest::Fresh);
    finish(db, "a", 200, b"mine").await;
    assert_eq!(begin_as(db, "me", "a", "y", at(999)).await, KeyedRequest::Other);
    assert_eq!(begin_as(db, "you", "a", "x", at(1)).await, KeyedRequest::Running);
    assert_eq!(begin_as(db, "me", "A", "y", at(1)).await, KeyedRequest::Running);
}

#[on_every_db]
async fn of_many_who_begin_at_once_one_does_it(home: &TestDb) {
    assert_eq!(fresh_of(&home.db, 20, "a", at(0)).await, 1);
}

#[on_every_db]
async fn who_begins_what_is_being_begun_waits_for_how_that_ends(home: &TestDb) {
    let db = &home.db;
    let begun = race!(
        db,
        |tx| tx.system().idempotency().begin("me", "a", "x", at(0), STALE),
        tx.system().idempotency().begin("me", "a", "x", at(0), STALE)
    );
    assert_eq!(begun, (KeyedRequest::Fresh, KeyedRequest::Running));

    let mut undone = db.begin().await.unwrap();
    let first = undone.system().idempotency().begin("me", "b", "x", at(0), STALE).await;
    assert_eq!(first.unwrap(), KeyedRequest::Fresh);
    let second = tokio::spawn({
        let db = db.clone();
        async move { begin(&db, "b", at(0)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second waits for the first");
    drop(undone);
    assert_eq!(second.await.unwrap(), KeyedRequest::Fresh);
}

#[on_every_db]
async fn what_a_dead_process_had_begun_is_begun_again_by_one(home: &TestDb) {
    let db = &home.db;
    assert_eq!(begin(db, "a", at(0)).await, KeyedRequest::Fresh);
    assert_eq!(begin_as(db, "me", "a", "y", at(999)).await, KeyedRequest::Other);
    assert_eq!(fresh_of(db, 20, "a", at(120)).await, 0);
    assert_eq!(fresh_of(db, 20, "a", at(121)).await, 1);
    assert_eq!(fresh_of(db, 4, "a", at(240)).await, 0);
    assert_eq!(fresh_of(db, 4, "a", at(242)).await, 1);
}

#[on_every_db]
async fn of_two_who_claim_what_is_stale_the_second_waits_and_gets_nothing(home: &TestDb) {
    let db = &home.db;
    begin(db, "a", at(0)).await;
    let begun = race!(
        db,
        |tx| tx.system().idempotency().begin("me", "a", "x", at(500), STALE),
        tx.system().idempotency().begin("me", "a", "x", at(501), STALE)
    );
    assert_eq!(begun, (KeyedRequest::Fresh, KeyedRequest::Running));
}

#[on_every_db]
async fn what_was_given_up_may_be_begun_again_as_another_request(home: &TestDb) {
    let db = &home.db;
    begin(db, "a", at(0)).await;
    begin_as(db, "you", "a", "x", at(0)).await;
    commit!(db, |tx| tx.system().idempotency().abandon("me", "a"));
    assert_eq!(begin_as(db, "me", "a", "y", at(1)).await, KeyedRequest::Fresh);
    assert_eq!(begin_as(db, "you", "a", "x", at(1)).await, KeyedRequest::Running);
    commit!(db, |tx| tx.system().idempotency().abandon("me", "never begun"));
}

#[on_every_db]
async fn old_keys_are_forgotten_answered_or_not(home: &TestDb) {
    let db = &home.db;
    for (key, seconds) in [("answered", 5), ("open", 9), ("edge", 10), ("new", 11)] {
        begin(db, key, at(seconds)).await;
    }
    finish(db, "answered", 200, b"old").await;
    finish(db, "edge", 200, b"edge").await;
    assert_eq!(commit!(db, |tx| tx.system().idempotency().forget(at(10))), 2);
    assert_eq!(begin(db, "edge", at(12)).await, done(200, b"edge"));
    assert_eq!(begin(db, "new", at(12)).await, KeyedRequest::Running);
    assert_eq!(begin(db, "answered", at(12)).await, KeyedRequest::Fresh);
    assert_eq!(begin(db, "open", at(12)).await, KeyedRequest::Fresh);
    // Times are compared as times, whatever their fractions.
    for millis in [20_000, 20_500, 20_999] {
        begin(db, &millis.to_string(), given::at_millis(millis)).await;
    }
    begin(db, "whole second", DateTime::from_timestamp(1_800_000_020, 0).unwrap()).await;
    assert_eq!(commit!(db, |tx| tx.system().idempotency().forget(given::at_millis(20_500))), 6);
}
