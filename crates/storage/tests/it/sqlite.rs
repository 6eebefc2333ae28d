//! What `SQLite` alone has to promise: one writer, readers beside it, a file.

use std::time::Duration;

use replyx_core::{change::New, fixtures};
use replyx_storage::{Db, PoolSize, Refusal, fair::Places, testing};
use tokio::time::timeout;

use crate::given::{self, at};

#[tokio::test]
async fn a_reader_does_not_wait_for_an_open_writer() {
    let home = testing::sqlite().await;
    let tenant = given::tenant(&home.db).await;
    let mut writer = home.db.begin().await.unwrap();
    writer.workspace(tenant.id).turns().request(tenant.dialog.id, at(0), at(0)).await.unwrap();
    let count = async { read!(home.db, |tx| tx.workspace(tenant.id).turns().count()) };
    assert_eq!(timeout(Duration::from_secs(1), count).await.unwrap(), 0);
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
    timeout(Duration::from_secs(1), write).await.unwrap();
}

#[tokio::test]
async fn a_writer_waits_for_the_other_one() {
    let home = testing::sqlite().await;
    let first = home.db.begin().await.unwrap();
    assert!(timeout(Duration::from_millis(200), home.db.begin()).await.is_err());
    first.commit().await.unwrap();
    timeout(Duration::from_secs(1), home.db.begin()).await.unwrap().unwrap();
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
        assert_eq!(read!(db, |tx| tx.system().turns().next_due()), Some(due));
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
