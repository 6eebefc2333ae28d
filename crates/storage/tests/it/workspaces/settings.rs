use replyx_core::ids::UserId;
use replyx_storage::{Db, on_every_db, testing::TestDb};

use crate::given::{at, id};

/// Stores a value; did the commit tell of it?
async fn set(db: &Db, name: &str, value: &str, by: Option<UserId>) -> bool {
    let mut tx = db.begin().await.unwrap();
    tx.system().settings().set(name, value, by, at(0)).await.unwrap();
    tx.commit().await.unwrap().settings
}

/// Removes a value; was there one, and did the commit tell of it?
async fn remove(db: &Db, name: &str) -> (bool, bool) {
    let mut tx = db.begin().await.unwrap();
    let removed = tx.system().settings().remove(name).await.unwrap();
    (removed.is_some(), tx.commit().await.unwrap().settings)
}

async fn all(db: &Db) -> Vec<(String, String)> {
    read!(db, |tx| tx.system().settings().all())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[on_every_db]
async fn a_setting_is_stored_changed_and_taken_back_and_each_is_told(home: &TestDb) {
    let db = &home.db;
    assert_eq!(all(db).await, []);
    assert!(set(db, "session_days", "30", Some(id())).await);
    assert!(set(db, "rate_login", "1/1m", None).await);
    assert!(set(db, "session_days", "", None).await);
    assert_eq!(all(db).await, pairs(&[("rate_login", "1/1m"), ("session_days", "")]));
    for nothing in ["", "SESSION_DAYS", "session%", "session_day_"] {
        assert_eq!(remove(db, nothing).await, (false, false), "{nothing}");
    }
    assert_eq!(remove(db, "session_days").await, (true, true));
    assert_eq!(remove(db, "session_days").await, (false, false));
    assert_eq!(all(db).await, pairs(&[("rate_login", "1/1m")]));
}

#[on_every_db]
async fn a_setting_is_swapped_only_for_what_was_read(home: &TestDb) {
    let db = &home.db;
    let swap = async |before: Option<&str>, value: &str| {
        let mut tx = db.begin().await.unwrap();
        let done = tx.system().settings().swap("session_days", before, value, None, at(0)).await;
        (done.unwrap(), tx.commit().await.unwrap().settings)
    };
    assert_eq!(swap(Some("30"), "1").await, (false, false), "there is nothing yet");
    assert_eq!(swap(None, "1").await, (true, true));
    assert_eq!(swap(None, "2").await, (false, false));
    assert_eq!(swap(Some("30"), "2").await, (false, false));
    assert_eq!(swap(Some("1"), "2").await, (true, true));
    assert_eq!(all(db).await, pairs(&[("session_days", "2")]));
    assert_eq!(read!(db, |tx| tx.system().settings().find("session_days")).as_deref(), Some("2"));
    assert_eq!(read!(db, |tx| tx.system().settings().find("rate_login")), None);
}

#[on_every_db]
async fn what_a_transaction_told_is_not_forgotten_when_it_then_finds_nothing(home: &TestDb) {
    let mut tx = home.db.begin().await.unwrap();
    tx.system().settings().set("session_days", "1", None, at(0)).await.unwrap();
    assert!(tx.system().settings().remove("rate_login").await.unwrap().is_none());
    assert!(tx.commit().await.unwrap().settings);
}

#[on_every_db]
async fn of_two_who_set_the_same_the_later_one_wins(home: &TestDb) {
    let db = &home.db;
    race!(
        db,
        |tx| tx.system().settings().set("session_days", "1", None, at(0)),
        tx.system().settings().set("session_days", "2", None, at(0))
    );
    assert_eq!(all(db).await, pairs(&[("session_days", "2")]));
    let mut undone = db.begin().await.unwrap();
    undone.system().settings().set("session_days", "3", None, at(0)).await.unwrap();
    drop(undone);
    assert_eq!(all(db).await, pairs(&[("session_days", "2")]));
}
