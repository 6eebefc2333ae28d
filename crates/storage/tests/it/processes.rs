use std::time::Duration;

use replyx_core::{channel::ChannelKind, clock::Clock, ids::ProcessId, job::Lane};
use replyx_storage::{
    StorageError,
    fair::Places,
    on_every_db,
    processes::Reaped,
    testing::{self, TestDb},
};

use crate::given::{self, at, id, sendable, tamper};

/// How long a process may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// A process that was last heard of a minute ago, by the clock that counts.
async fn silent(home: &TestDb) -> ProcessId {
    let process = given::process(&home.db, at(0)).await;
    let id = process.into_uuid();
    if home.url.starts_with("postgres") {
        let sql = "UPDATE processes SET beat_at = now() - interval '1 minute' WHERE id = ";
        assert_eq!(tamper(&home.url, &format!("{sql}'{id}'")).await, 1);
    }
    process
}

#[on_every_db]
async fn only_what_the_dead_held_is_freed(home: &TestDb) {
    let db = &home.db;
    let alive = given::process(db, at(50)).await;
    let dead = silent(home).await;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    for (tenant, by) in [(&ours, alive), (&theirs, dead)] {
        tenant.fill(db).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.system().turns().claim(by, at(10), Places::of(1)).await.unwrap().len(), 1);
        assert_eq!(
            tx.system().jobs().claim(by, at(10), Lane::Light, Places::of(1)).await.unwrap().len(),
            1
        );
        let send = tx.system().outbox().sendable(at(10), 1).await.unwrap().remove(0);
        assert!(tx.system().outbox().claim(&send, by, at(10)).await.unwrap());
        let call = given::call(tenant.assistant.id, None);
        tx.workspace(tenant.id).model_calls().begin(&[call], by).await.unwrap();
        tx.commit().await.unwrap();
    }
    let before = given::rows(&home.url, Some(ours.id)).await;

    let reaped = commit!(db, |tx| tx.system().processes().reap(SILENCE, at(60)));
    assert_eq!(reaped, Reaped { turns: 1, sends: vec![ChannelKind::Telegram], jobs: 1, calls: 1 });
    assert_eq!(given::rows(&home.url, Some(ours.id)).await, before);

    let day = at(0).date_naive();
    let lost = read!(db, |tx| tx.system().model_calls().by_model(day, day, 99));
    assert_eq!(lost.iter().map(|usage| usage.lost).sum::<i64>(), 1, "{lost:?}");
    let turns = commit!(db, |tx| tx.system().turns().claim(alive, at(60), Places::of(9)));
    assert_eq!((turns.len(), turns[0].workspace_id, turns[0].attempts), (1, theirs.id, 2));
    let jobs =
        commit!(db, |tx| tx.system().jobs().claim(alive, at(60), Lane::Light, Places::of(9)));
    assert_eq!((jobs.len(), jobs[0].attempts), (1, 2));
    let sends = sendable(db, at(60)).await;
    assert_eq!((sends.len(), sends[0].workspace_id), (1, theirs.id));
    assert_eq!((sends[0].uncertain, sends[0].attempts), (1, 1));
    let again = commit!(db, |tx| tx.system().processes().reap(SILENCE, at(60)));
    assert_eq!(again, Reaped::default());

    // The dead one was only slow: what it still does must not last.
    assert!(!commit!(db, |tx| tx.workspace(theirs.id).turns().finish(theirs.dialog.id, dead)));
    assert!(!commit!(db, |tx| tx.workspace(theirs.id).outbox().sent(
        sends[0].id,
        dead,
        Some(&1.into()),
        at(61)
    )));
}

#[on_every_db]
async fn a_beat_keeps_a_process_alive(home: &TestDb) {
    let db = &home.db;
    let process = silent(home).await;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    commit!(db, |tx| tx.system().turns().claim(process, at(10), Places::of(1)));
    commit!(db, |tx| tx.system().processes().beat(process, at(25)));
    let reaped = commit!(db, |tx| tx.system().processes().reap(SILENCE, at(30)));
    assert_eq!(reaped, Reaped::default());
    commit!(db, |tx| tx.system().processes().leave(process));
    let reaped = commit!(db, |tx| tx.system().processes().reap(SILENCE, at(30)));
    assert_eq!(reaped, Reaped { turns: 1, ..Reaped::default() });
}

#[on_every_db]
async fn the_only_process_frees_what_all_earlier_ones_held(home: &TestDb) {
    let db = &home.db;
    let earlier = given::process(db, at(29)).await;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    commit!(db, |tx| tx.system().turns().claim(earlier, at(10), Places::of(1)));
    let only = given::process(db, at(30)).await;
    commit!(db, |tx| tx.system().processes().keep_only(only));
    let reaped = commit!(db, |tx| tx.system().processes().reap(SILENCE, at(30)));
    assert_eq!(reaped, Reaped { turns: 1, ..Reaped::default() });
    assert_eq!(commit!(db, |tx| tx.system().turns().claim(id(), at(30), Places::of(1))).len(), 1);
}

/// What a process whose clock is wrong says of the time does not count: neither when it says that
/// it lives nor when it looks who does.
#[tokio::test]
async fn a_clock_that_is_ahead_or_behind_makes_nobody_dead_on_postgres() {
    let home = testing::postgres().await;
    let db = &home.db;
    let now = Clock::system().now();
    let wrong = Duration::from_secs(15);
    let [right, ahead, behind] = [now, now + wrong, now - wrong];
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let process = given::process(db, behind).await;
    commit!(db, |tx| tx.system().turns().claim(process, at(10), Places::of(1)));
    for clock in [right, ahead, behind] {
        let reaped = commit!(db, |tx| tx.system().processes().reap(SILENCE, clock));
        assert_eq!(reaped, Reaped::default(), "by a clock that says {clock}");
        assert_eq!(read!(db, |tx| tx.system().processes().alive(SILENCE, clock)), 1);
    }
    let dead = silent(&home).await;
    commit!(db, |tx| tx.system().jobs().claim(dead, at(10), Lane::Light, Places::of(1)));
    let reaped = commit!(db, |tx| tx.system().processes().reap(SILENCE, behind));
    assert_eq!(reaped, Reaped { jobs: 1, ..Reaped::default() });
}

/// Two processes that free what the same dead one held do not wait for each other, in whichever
/// order they come by it.
#[tokio::test]
async fn what_another_process_frees_at_the_moment_is_left_to_it_on_postgres() {
    let home = testing::postgres().await;
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let dead = silent(&home).await;
    commit!(db, |tx| tx.system().turns().claim(dead, at(10), Places::of(1)));
    let call = given::call(tenant.assistant.id, None);
    commit!(db, |tx| tx.workspace(tenant.id).model_calls().begin(&[call], dead));
    let mut first = db.begin().await.unwrap();
    let reaped = first.system().processes().reap(SILENCE, at(60)).await.unwrap();
    assert_eq!(reaped, Reaped { turns: 1, calls: 1, ..Reaped::default() });
    let second = commit!(db, |tx| tx.system().processes().reap(SILENCE, at(60)));
    assert_eq!(second, Reaped::default());
    first.commit().await.unwrap();
}

#[on_every_db]
async fn an_attempt_that_was_cut_short_on_purpose_does_not_count(home: &TestDb) {
    let db = &home.db;
    let process = given::process(db, at(0)).await;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    assert_eq!(
        commit!(db, |tx| tx.system().turns().claim(process, at(10), Places::of(1)))[0].attempts,
        1
    );
    assert_eq!(
        commit!(db, |tx| tx.system().jobs().claim(process, at(10), Lane::Light, Places::of(1)))[0]
            .attempts,
        1
    );
    let handed_back = commit!(db, |tx| tx.system().processes().hand_back(process, at(20)));
    assert_eq!(handed_back, Reaped { turns: 1, jobs: 1, ..Reaped::default() });
    assert_eq!(
        commit!(db, |tx| tx.system().turns().claim(process, at(20), Places::of(1)))[0].attempts,
        1
    );
    assert_eq!(
        commit!(db, |tx| tx.system().jobs().claim(process, at(20), Lane::Light, Places::of(1)))[0]
            .attempts,
        1
    );
}

#[on_every_db]
async fn a_database_that_became_another_installations_is_noticed(home: &TestDb) {
    let db = &home.db;
    let ours = uuid::Uuid::from_u128(1);
    assert_eq!(db.join_installation(ours, at(0)).await.unwrap(), ours);
    let other = uuid::Uuid::from_u128(2);
    assert_eq!(db.join_installation(other, at(1)).await.unwrap(), ours, "it has one already");
    commit!(db, |tx| tx.system().processes().check_installation(db));

    tamper(&home.url, "DELETE FROM installation").await;
    let mut tx = db.begin().await.unwrap();
    let refused = tx.system().processes().check_installation(db).await;
    assert!(matches!(refused, Err(StorageError::Foreign)), "{refused:?}");
    db.turned_foreign().await;
}

/// With all other connections in use, a process must still be able to say that it lives.
#[tokio::test]
async fn a_beat_does_not_wait_for_the_pool_on_postgres() {
    let home = testing::postgres().await;
    let db = &home.db;
    let mut held = Vec::new();
    for _ in 0..db.connections().2 {
        held.push(db.begin().await.unwrap());
    }
    let process: ProcessId = id();
    let mut tx = db.begin_reserved().await.unwrap();
    tx.system().processes().beat(process, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    drop(held);
    assert_eq!(read!(db, |tx| tx.system().processes().alive(SILENCE, at(0))), 1);
}
