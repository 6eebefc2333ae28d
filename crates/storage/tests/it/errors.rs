use std::{
    cell::Cell,
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    task::Poll,
    time::Duration,
};

use replyx_core::{change::New, fixtures};
use replyx_storage::{
    Db, PoolSize, StorageError, on_every_db, repeated, retried,
    testing::{self, TestDb},
};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions,
};
use tokio::sync::Barrier;

use crate::given::{self, at, id};

#[on_every_db]
async fn only_a_unique_key_makes_a_duplicate(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut tx = db.begin().await.unwrap();
    let again = tx.apply(fixtures::unexplained(New(tenant.assistant.clone()))).await.unwrap_err();
    assert!(again.is_duplicate() && !again.is_transient(), "{again:?}");
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    let pointing_nowhere = given::bot(tenant.id, id());
    let refused = tx.apply(fixtures::registered(pointing_nowhere, b"x", "x")).await.unwrap_err();
    assert!(matches!(refused, StorageError::Constraint { .. }), "{refused:?}");
    assert!(!refused.is_duplicate() && !refused.is_transient());
}

#[on_every_db]
async fn nothing_lasts_of_a_transaction_in_which_a_statement_failed(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let before = given::rows(&home.url, None).await;
    let new = given::assistant(tenant.id);
    let mut tx = db.begin().await.unwrap();
    tx.apply(fixtures::unexplained(New(new.clone()))).await.unwrap();
    assert!(tx.apply(fixtures::unexplained(New(new.clone()))).await.is_err());
    let next = tx.workspace(tenant.id).assistants().find(new.id).await;
    assert!(matches!(next, Err(StorageError::Undone)), "{next:?}");
    let commit = tx.commit().await;
    assert!(matches!(commit, Err(StorageError::Undone)), "{commit:?}");
    assert_eq!(given::rows(&home.url, None).await, before);
}

#[on_every_db]
async fn a_reading_transaction_cannot_write(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let before = given::rows(&home.url, None).await;
    let mut tx = db.read().await.unwrap();
    tx.workspace(tenant.id).turns().count().await.unwrap();
    assert!(tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)).await.is_err());
    assert!(tx.commit().await.is_err());
    assert_eq!(given::rows(&home.url, None).await, before);
}

#[on_every_db]
async fn a_reader_sees_one_moment(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut reader = db.read().await.unwrap();
    assert_eq!(reader.workspace(tenant.id).turns().count().await.unwrap(), 0);
    commit!(db, |tx| tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)));
    assert_eq!(reader.workspace(tenant.id).turns().count().await.unwrap(), 0);
    drop(reader);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).turns().count()), 1);
}

#[on_every_db]
async fn a_dropped_transaction_is_undone(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let before = given::rows(&home.url, None).await;
    for _ in 0..20 {
        let mut tx = db.begin().await.unwrap();
        tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)).await.unwrap();
        drop(tx);
    }
    assert_eq!(given::rows(&home.url, None).await, before);
    db.ping().await.unwrap();
}

#[on_every_db]
async fn a_caller_that_gave_up_waiting_blocks_nobody(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    for millis in 0..20 {
        let work = async {
            let mut tx = db.begin().await.unwrap();
            tx.workspace(tenant.id).dialogs().lock(tenant.dialog.id).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            tx.commit().await.unwrap();
        };
        let _ = tokio::time::timeout(Duration::from_micros(millis * 400), work).await;
    }
    commit!(db, |tx| tx.apply(fixtures::unexplained(tenant.dialog.clone())));
}

/// Polls the work until it waits for the `pauses`-th time, and drops it there. Says whether it had
/// come to its end before.
async fn ends_before(pauses: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    let mut seen = 0;
    poll_fn(|context| {
        if work.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        seen += 1;
        if seen < pauses { Poll::Pending } else { Poll::Ready(false) }
    })
    .await
}

/// A library that forgets a `BEGIN` on its way leaves a transaction that can only read to whoever
/// writes next.
#[on_every_db]
async fn a_beginning_that_is_dropped_wherever_it_waits_leaves_no_transaction_open(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let db = Db::open(&home.url, PoolSize { max: 1 }).await.unwrap();
    let mut pauses = 1;
    while !ends_before(pauses, db.read()).await {
        commit!(db, |tx| tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)));
        pauses += 1;
    }
    if db.is_shared() {
        assert!(pauses > 1, "a server is waited for");
    }
}

#[tokio::test]
async fn who_is_chosen_to_end_a_deadlock_may_try_again() {
    let home = testing::postgres().await;
    let tenant = given::tenant(&home.db).await;
    let other = given::chat(&home.db, &tenant, 8).await;
    let [one, two] = [tenant.dialog.id, other.dialog.id];
    let mut first = home.db.begin().await.unwrap();
    let mut second = home.db.begin().await.unwrap();
    first.workspace(tenant.id).dialogs().lock(one).await.unwrap();
    second.workspace(tenant.id).dialogs().lock(two).await.unwrap();
    let (a, b) = tokio::join!(
        async {
            let answer = first.workspace(tenant.id).dialogs().lock(two).await;
            drop(first);
            answer
        },
        async {
            let answer = second.workspace(tenant.id).dialogs().lock(one).await;
            drop(second);
            answer
        },
    );
    let failed: Vec<_> = [a, b].into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].is_undone() && failed[0].is_transient(), "{failed:?}");
    assert!(!failed[0].is_duplicate(), "{failed:?}");
}

#[tokio::test]
async fn a_lost_server_connection_fails_what_used_it_and_nothing_later() {
    let home = testing::postgres().await;
    let tenant = given::tenant(&home.db).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(home.db.begin().await.unwrap());
    }
    let mut used = open.pop().unwrap();
    drop(open);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut admin = PgConnection::connect(&home.url).await.unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut admin)
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let lost = used.workspace(tenant.id).turns().count().await.unwrap_err();
    assert!(lost.is_transient() && !lost.is_undone(), "{lost:?}");
    drop(used);
    for _ in 0..8 {
        assert_eq!(read!(home.db, |tx| tx.workspace(tenant.id).turns().count()), 0);
        commit!(home.db, |tx| tx.apply(fixtures::unexplained(tenant.dialog.clone())));
        home.db.ping().await.unwrap();
    }
}

#[tokio::test]
async fn an_address_of_neither_database_is_refused() {
    for address in ["", "mysql://localhost", "sqlit:x", "/data/x.db"] {
        let refused = Db::open(address, PoolSize::default()).await;
        assert!(matches!(refused, Err(StorageError::Address)), "{address}");
    }
}

/// Two transactions that lock in opposite orders: the database ends one of them, and both are done
/// in the end.
#[tokio::test]
async fn a_transaction_that_lost_a_deadlock_is_done_again() {
    let home = testing::postgres().await;
    let tenant = given::tenant(&home.db).await;
    let other = given::chat(&home.db, &tenant, 8).await;
    let [one, two] = [tenant.dialog.id, other.dialog.id];
    let met = Barrier::new(2);
    let tries = AtomicU32::new(0);
    let both = async |first, second| {
        let is_first_try = Cell::new(true);
        retried(|| async {
            tries.fetch_add(1, Relaxed);
            let mut tx = home.db.begin().await?;
            tx.workspace(tenant.id).dialogs().lock(first).await?;
            if is_first_try.take() {
                met.wait().await;
            }
            tx.workspace(tenant.id).dialogs().lock(second).await?;
            tx.commit().await.map(drop)
        })
        .await
    };
    let (a, b) = tokio::join!(both(one, two), both(two, one));
    a.unwrap();
    b.unwrap();
    assert_eq!(tries.into_inner(), 3, "one of them was done twice");
}

#[tokio::test]
async fn what_stays_undone_is_given_up_and_what_fails_otherwise_is_not_repeated() {
    let home = testing::postgres().await;
    for (code, expected) in [("40P01", 4), ("40001", 4), ("22012", 1)] {
        let sql = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
        let tries = AtomicU32::new(0);
        let failed = retried(|| async {
            tries.fetch_add(1, Relaxed);
            let mut connection = PgConnection::connect(&home.url).await?;
            sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut connection).await?;
            Ok(())
        })
        .await;
        assert!(failed.is_err());
        assert_eq!(tries.into_inner(), expected, "{code}");
    }
}

/// Why a use case was not done, as the crates above have it.
#[derive(Debug, thiserror::Error)]
enum NotDone {
    #[error("refused")]
    Refused,
    #[error("the database failed")]
    Storage(#[from] StorageError),
}

#[tokio::test]
async fn a_use_case_is_repeated_only_when_the_database_rolled_it_back() {
    let home = testing::postgres().await;
    for (code, expected) in [("40P01", 4), ("40001", 4), ("22012", 1)] {
        let sql = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
        let tries = AtomicU32::new(0);
        let failed = repeated(|| async {
            tries.fetch_add(1, Relaxed);
            let connection = PgConnection::connect(&home.url).await;
            let mut connection = connection.map_err(StorageError::from)?;
            let done = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut connection).await;
            done.map_err(StorageError::from)?;
            Ok::<_, NotDone>(())
        })
        .await;
        assert!(matches!(failed, Err(NotDone::Storage(_))), "{failed:?}");
        assert_eq!(tries.into_inner(), expected, "{code}");
    }

    let tries = AtomicU32::new(0);
    let refused = repeated(|| async {
        tries.fetch_add(1, Relaxed);
        Err::<(), _>(NotDone::Refused)
    });
    assert!(matches!(refused.await, Err(NotDone::Refused)));
    assert_eq!(tries.into_inner(), 1);
}

/// Another program has the file: it is busy, which is nobody's fault, and has been waited for long
/// enough.
#[tokio::test]
async fn a_locked_file_is_transient() {
    let home = testing::sqlite().await;
    let path = home.url.strip_prefix("sqlite:").unwrap();
    let mut holder = SqliteConnection::connect(path).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    let busy = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO);
    let mut writer = SqliteConnection::connect_with(&busy).await.unwrap();
    let locked = sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap_err();
    let locked = StorageError::from(locked);
    assert!(locked.is_transient() && !locked.is_undone(), "{locked:?}");
}
