//! Who holds the schema, and who may at the same time.

use replyx_storage::{Holding, on_every_db, testing::TestDb};

#[on_every_db]
async fn whoever_takes_migrations_back_waits_for_starts_and_keeps_them_waiting(home: &TestDb) {
    let db = &home.db;
    let alone = async || db.hold_schema(Holding::Alone).await.unwrap();
    let shared = async || db.hold_schema(Holding::Shared).await.unwrap();
    // One process has an embedded database, and a lock on its folder.
    let excludes = db.is_shared();

    let one = shared().await.expect("nobody holds it");
    let other = shared().await.expect("starts do not exclude each other");
    assert_eq!(alone().await.is_none(), excludes);
    one.release().await.unwrap();
    assert_eq!(alone().await.is_none(), excludes);
    other.release().await.unwrap();

    let held = alone().await.expect("nobody holds it any more");
    assert_eq!((shared().await.is_none(), alone().await.is_none()), (excludes, excludes));
    held.release().await.unwrap();
    assert!(shared().await.is_some());
}
