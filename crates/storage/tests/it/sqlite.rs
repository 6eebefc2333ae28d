//! What `SQLite` alone has to promise: one writer, readers beside it, a file.

use std::time::Duration;

use replyx_core::{change::New, fixtures};
use replyx_storage::{Db, PoolSize, Refusal, Sync, fair::Places, testing};
use tokio::time::timeout;

use crate::given::{self, at};

/// What must not wait would wait without end.
const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_reader_does_not_wait_for_an_open_writer() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let mut writer = home.db.begin().await.unwrap();
    writer.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)).await.unwrap();
    let count = async { read!(home.db, |tx| tx.workspace(tenant.id).turns().count()) };
    assert_eq!(timeout(LONG, count).await.unwrap(), 0);
    writer.commit().await.unwrap();
    assert_eq!(read!(home.db, |tx| tx.workspace(tenant.id).turns().count()), 1);
}

#[tokio::test]
async fn a_writer_does_not_wait_for_an_open_reader() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let mut reader = home.db.read().await.unwrap();
    reader.workspace(tenant.id).turns().count().await.unwrap();
    let write = async {
        commit!(home.db, |tx| tx.workspace(tenant.id).turns().request(
            tenant.dialog.id,
            at(0),
            at(0)
        ));
    };
    timeout(LONG, write).await.unwrap();
}

#[tokio::test]
async fn a_writer_waits_for_the_other_one() {
    let home = testing::sqlite().await;
    let first = home.db.begin().await.unwrap();
    assert!(timeout(Duration::from_millis(200), home.db.begin()).await.is_err());
    first.commit().await.unwrap();
    timeout(LONG, home.db.begin()).await.unwrap().unwrap();
}

/// Another program (a backup, a second start by mistake) writes to the same file.
#[tokio::test]
async fn a_writer_waits_for_another_program() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let other = Db::open(&home.url, PoolSize { max: 1 }).await.unwrap();
    let mut first = home.db.begin().await.unwrap();
    first.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)).await.unwrap();
    let second = tokio::spawn(async move {
        let mut tx = other.begin().await.unwrap();
        tx.workspace(tenant.id).turns().count().await.unwrap()
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished());
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/replyx.db");
    let url = format!("sqlite://{}", path.display());
    let db = Db::open(&url, PoolSize::default()).await.unwrap();
    db.migrate().await.unwrap();
    let tenant = given::tenant(&db).await;
    tenant.fill(&db).await;
    db.close().await;
    assert!(path.exists());
    for address in [url, format!("sqlite:{}", path.display())] {
        let db = Db::open(&address, PoolSize { max: 1 }).await.unwrap();
        db.migrate().await.unwrap();
        let found = read!(db, |tx| tx.workspace(tenant.id).dialogs().find(tenant.dialog.id));
        assert_eq!(found.as_ref(), Some(&tenant.dialog));
        db.close().await;
    }
}

#[tokio::test]
async fn times_compare_as_they_pass_however_they_are_written() {
    let home = testing::sqlite().await;
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let whole = at(0) - chrono::Duration::microseconds(123_456);
    let moments: Vec<_> = [0, 1, 500_000, 500_001, 999_999, 1_000_000]
        .map(|micros| whole + chrono::Duration::microseconds(micros))
        .to_vec();
    for (number, due) in moments.iter().enumerate() {
        let chat = given::chat(db, &tenant, 100 + i64::try_from(number).unwrap()).await;
        commit!(db, |tx| tx.workspace(tenant.id).turns().request(chat.dialog.id, *due, *due));
    }
    for due in moments {
        assert_eq!(read!(db, |tx| tx.system().turns().due(1)), [due]);
        let claimed = commit!(db, |tx| tx.system().turns().claim(given::id(), due, Places::of(9)));
        assert_eq!(claimed.len(), 1, "{due}");
    }
}

#[tokio::test]
async fn a_full_disk_is_remembered_while_reading_goes_on() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let long = Duration::from_mins(1);
    assert_eq!(home.db.refused_within(long), None);
    testing::set_full(&home.db, testing::Disk::Full).await;
    let bytes = vec![b'x'; 1 << 20];
    let document = given::document(tenant.id, tenant.assistant.id);
    let mut tx = home.db.begin().await.unwrap();
    let refused = tx.apply(document.clone().store(&bytes)).await;
    assert!(refused.is_err(), "there is no room for it");
    drop(tx);
    assert_eq!(home.db.refused_within(long), Some(Refusal::Full));
    assert_eq!(home.db.refused_within(Duration::ZERO), None, "not for ever");
    home.db.ping().await.unwrap();

    testing::set_full(&home.db, testing::Disk::Roomy).await;
    commit!(home.db, |tx| tx.apply(document.clone().store(&bytes)));
}

#[tokio::test]
async fn what_a_constraint_refuses_says_nothing_of_the_disk() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let mut tx = home.db.begin().await.unwrap();
    tx.apply(fixtures::unexplained(New(tenant.assistant.clone()))).await.unwrap_err();
    assert_eq!(home.db.refused_within(Duration::from_mins(1)), None);
}

/// The task that wrote is gone in the middle of its transaction.
#[tokio::test]
async fn a_dropped_task_leaves_nothing_behind() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let db = home.db.clone();
    let workspace = tenant.id;
    let dialog = tenant.dialog.id;
    let (send, written) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let mut tx = db.begin().await.unwrap();
        tx.workspace(workspace).turns().request(dialog, at(0), at(0)).await.unwrap();
        send.send(()).unwrap();
        std::future::pending::<()>().await;
        tx.commit().await.unwrap();
    });
    written.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());

    assert_eq!(read!(home.db, |tx| tx.workspace(tenant.id).turns().count()), 0);
    commit!(home.db, |tx| tx.workspace(tenant.id).turns().request(dialog, at(0), at(0)));
    assert_eq!(read!(home.db, |tx| tx.workspace(tenant.id).turns().count()), 1);
}

#[tokio::test]
async fn writers_are_served_in_the_order_in_which_they_came() {
    let home = testing::sqlite().await;
    let first = home.db.begin().await.unwrap();
    let served = std::cell::RefCell::new(Vec::new());
    let wait = async |number: u32| {
        let tx = home.db.begin().await.unwrap();
        served.borrow_mut().push(number);
        // Whoever came later could take the lock here if it were not for the order.
        tokio::task::yield_now().await;
        drop(tx);
        tokio::task::yield_now().await;
    };
    let free = async {
        tokio::task::yield_now().await;
        drop(first);
    };
    tokio::join!(wait(1), wait(2), wait(3), free, wait(4));
    assert_eq!(served.into_inner(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_closed_database_refuses_and_waits_for_those_who_are_at_it() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let mut tx = home.db.begin().await.unwrap();
    let close = home.db.close();
    tokio::pin!(close);
    assert!(timeout(Duration::from_millis(100), &mut close).await.is_err());
    tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    close.await;
    assert!(home.db.begin().await.is_err());
    assert!(home.db.read().await.is_err());
    home.db.close().await;

    let again = Db::open(&home.url, PoolSize { max: 1 }).await.unwrap();
    assert_eq!(read!(again, |tx| tx.workspace(tenant.id).turns().count()), 1);
}

#[tokio::test]
async fn a_commit_that_waits_for_the_disk_lets_the_next_one_write() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let db = Db::open_synced(&home.url, PoolSize { max: 1 }, Sync::Full).await.unwrap();
    let mut chats = Vec::new();
    for number in 100..104 {
        chats.push(given::chat(&db, &tenant, number).await.dialog.id);
    }
    let write = async |dialog| {
        commit!(db, |tx| tx.workspace(tenant.id).turns().request(dialog, at(0), at(0)));
    };
    let [one, two, three, four] = [0, 1, 2, 3].map(|at| write(chats[at]));
    tokio::join!(one, two, three, four);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).turns().count()), 4);
}

/// A reader keeps the log from starting again; once it is gone, the log is as short as before.
#[tokio::test]
async fn the_log_is_bounded() {
    const MB: u64 = 1 << 20;
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let log = format!("{}-wal", home.url.strip_prefix("sqlite:").unwrap());
    let length = || std::fs::metadata(&log).unwrap().len();
    let bytes = vec![b'x'; 4 << 20];
    let write = async || {
        let document = given::document(tenant.id, tenant.assistant.id);
        commit!(home.db, |tx| tx.apply(document.clone().store(&bytes)));
    };

    let mut reader = home.db.read().await.unwrap();
    reader.workspace(tenant.id).turns().count().await.unwrap();
    for _ in 0..18 {
        write().await;
    }
    assert!(length() > 64 * MB, "{}", length());
    reader.commit().await.unwrap();
    for _ in 0..5 {
        write().await;
    }
    assert!(length() < 32 * MB, "{}", length());
}

#[tokio::test]
async fn what_is_known_of_tables_can_be_brought_up_to_date() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(&home.db).await;
    home.db.optimize().await.unwrap();
    let known =
        given::numbers(&home.url, "SELECT COUNT(*) FROM sqlite_stat1 WHERE tbl = 'messages'").await;
    assert!(known[0] > 0, "{known:?}");
}
