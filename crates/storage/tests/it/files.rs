use std::time::Duration;

use replyx_core::{
    clock::Clock,
    file::{Content, StoredBytes},
    ids::{FileId, WorkspaceId},
    knowledge::{Document, Fingerprint},
};
use replyx_files::{Files, FilesError, INLINE, Key, S3Address};
use replyx_storage::{
    Db, StorageError,
    files::{self, GRACE},
    on_every_db,
    testing::{self, TestDb},
};
use replyx_testkit::{http_client, s3::FakeS3};
use tempfile::TempDir;

use crate::given;

/// A database with a store of files, in a folder or in a bucket.
struct Home {
    db: Db,
    clock: Clock,
    folder: TempDir,
    bucket: FakeS3,
}

impl Home {
    async fn new(home: &TestDb) -> [Self; 2] {
        home.db.join_installation(given::id::<FileId>().into_uuid(), given::at(0)).await.unwrap();
        let mut homes = Vec::new();
        for is_bucket in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let bucket = FakeS3::start().await.unwrap();
            drop(http_client());
            let files = if is_bucket {
                let address = S3Address::parse(&bucket.url("/all")).unwrap();
                Files::in_s3(address, Clock::system()).unwrap()
            } else {
                Files::in_folder(folder.path())
            };
            let clock = Clock::manual(given::at(0));
            homes.push(Self { db: home.db.clone().with_files(files), clock, folder, bucket });
        }
        homes.try_into().unwrap_or_else(|_| panic!("two homes"))
    }

    async fn keys(&self) -> Vec<Key> {
        let mut keys = self.db.files().list(None).await.unwrap();
        // Without the mark that says whose the store is.
        keys.retain(|key| !key.workspace.into_uuid().is_nil());
        keys
    }

    async fn sweep(&self) -> u64 {
        files::sweep(&self.db, self.clock.now()).await.unwrap()
    }

    /// A document whose bytes are in the store.
    async fn given(&self, tenant: &given::Tenant, bytes: &[u8]) -> Document {
        let original = Fingerprint::of(bytes);
        let document = Document {
            content_hash: original.content_hash().to_owned(),
            size: original.size(),
            ..given::document(tenant.id, tenant.assistant.id)
        };
        let file = self.clock.id::<FileId>();
        let content = self.db.keep(tenant.id, file, bytes).await.unwrap();
        assert_eq!(content, Content::Kept(file));
        commit!(self.db, |tx| tx.apply(document.clone().store(content)));
        document
    }

    async fn bytes(&self, document: &Document) -> Result<Vec<u8>, StorageError> {
        let workspace = document.workspace_id;
        let held = read!(self.db, |tx| tx.workspace(workspace).documents().original(document.id));
        self.db.bytes_of(workspace, held.unwrap()).await
    }
}

#[on_every_db]
async fn small_bytes_stay_in_the_row_and_large_ones_go_to_the_store(home: &TestDb) {
    for home in Home::new(home).await {
        let tenant = given::tenant(&home.db).await;
        let small = vec![1; INLINE];
        let large = vec![2; INLINE + 1];

        let kept = home.db.keep(tenant.id, home.clock.id(), &small).await.unwrap();
        assert_eq!(kept, Content::Inline(&small));
        assert_eq!(home.keys().await, []);

        let document = home.given(&tenant, &large).await;
        assert_eq!(home.bytes(&document).await.unwrap(), large);
        assert_eq!(home.keys().await.len(), 1);
        let held =
            read!(home.db, |tx| { tx.workspace(tenant.id).documents().original(document.id) });
        assert!(matches!(held, Some(StoredBytes::Kept { .. })), "{held:?}");
        let bytes = read!(home.db, |tx| tx.workspace(tenant.id).files().bytes());
        assert_eq!(bytes, document.size);
    }
}

#[on_every_db]
async fn a_database_that_keeps_everything_itself_has_nothing_to_sweep(home: &TestDb) {
    home.db.join_installation(given::id::<FileId>().into_uuid(), given::at(0)).await.unwrap();
    let db = home.db.clone().with_files(Files::in_database());
    assert_eq!(files::sweep(&db, given::at(0)).await.unwrap(), 0);
}

/// Killed after the bytes were written and before the row was.
#[on_every_db]
async fn bytes_without_a_row_are_swept_after_a_day_and_rows_keep_theirs(home: &TestDb) {
    for home in Home::new(home).await {
        let tenant = given::tenant(&home.db).await;
        let large = vec![3; INLINE + 1];
        let document = home.given(&tenant, &large).await;
        home.db.keep(tenant.id, home.clock.id(), &large).await.unwrap();
        // One of a workspace that never was, or is gone.
        let stranger = home.clock.id::<WorkspaceId>();
        home.db.keep(stranger, home.clock.id(), &large).await.unwrap();
        assert_eq!(home.keys().await.len(), 3);

        // An id knows its time to the millisecond.
        let second = Duration::from_secs(1);
        home.clock.advance(GRACE.checked_sub(second).unwrap());
        assert_eq!(home.sweep().await, 0, "the row may be on its way");
        home.clock.advance(Duration::from_secs(2));
        let young = home.clock.id::<FileId>();
        home.db.keep(tenant.id, young, &large).await.unwrap();
        assert_eq!(home.sweep().await, 2);

        let left = home.keys().await;
        assert_eq!(left.len(), 2);
        assert!(left.iter().any(|key| key.file == young));
        assert_eq!(home.bytes(&document).await.unwrap(), large);
        assert_eq!(home.sweep().await, 0);
    }
}

#[on_every_db]
async fn a_deleted_document_leaves_an_orphan_that_is_swept(home: &TestDb) {
    for home in Home::new(home).await {
        let tenant = given::tenant(&home.db).await;
        let document = home.given(&tenant, &vec![4; INLINE + 1]).await;
        commit!(home.db, |tx| tx.apply(document.remove(home.clock.now())));
        home.clock.advance(GRACE + Duration::from_secs(1));
        assert_eq!(home.sweep().await, 1);
        assert_eq!(home.keys().await, []);
    }
}

/// Another database with the same `DATA_DIR` knows none of its files.
#[on_every_db]
async fn the_store_of_another_installation_is_not_swept(home: &TestDb) {
    for home in Home::new(home).await {
        let tenant = given::tenant(&home.db).await;
        let document = home.given(&tenant, &vec![7; INLINE + 1]).await;
        assert_eq!(home.sweep().await, 0);

        let other = testing::sqlite().await;
        other.db.join_installation(given::id::<FileId>().into_uuid(), given::at(0)).await.unwrap();
        home.clock.advance(GRACE + Duration::from_secs(1));
        let own = other.db.clone().with_files(home.db.files().clone());
        assert_eq!(files::sweep(&own, home.clock.now()).await.unwrap(), 0);
        assert_eq!(home.bytes(&document).await.unwrap().len(), INLINE + 1);

        // Nor does anybody delete from a store that was somebody's before.
        let folder = home.folder.path();
        let after = Files::in_database().after(folder);
        let later = other.db.clone().with_files(after);
        assert_eq!(files::sweep(&later, home.clock.now()).await.unwrap(), 0);
        assert_eq!(home.bytes(&document).await.unwrap().len(), INLINE + 1);
    }
}

/// More than a page of the list, with rows in between.
#[on_every_db]
async fn a_sweep_goes_through_all_pages_of_a_store(home: &TestDb) {
    let [home, _] = Home::new(home).await;
    let tenant = given::tenant(&home.db).await;
    let owner = home.folder.path().join(tenant.id.to_string());
    std::fs::create_dir_all(&owner).unwrap();
    let mut rows = Vec::new();
    for number in 0..2_100 {
        if number % 700 == 0 {
            rows.push(home.given(&tenant, &vec![5; INLINE + 1]).await);
        }
        let orphan = home.clock.id::<FileId>().to_string();
        std::fs::write(owner.join(orphan), "x").unwrap();
    }
    home.clock.advance(GRACE + Duration::from_secs(1));
    assert_eq!(home.sweep().await, 2_100);
    for document in &rows {
        assert_eq!(home.bytes(document).await.unwrap().len(), INLINE + 1);
    }
}

#[on_every_db]
async fn bytes_that_are_lost_or_changed_are_an_error_and_never_a_document(home: &TestDb) {
    let [_, home] = Home::new(home).await;
    let tenant = given::tenant(&home.db).await;
    let document = home.given(&tenant, &vec![6; INLINE + 1]).await;
    let (key, _) = home.bucket.objects().remove(0);

    home.bucket.set(&key, "something else");
    let damaged = home.bytes(&document).await;
    assert!(matches!(damaged, Err(StorageError::Files(FilesError::Damaged))), "{damaged:?}");
    home.bucket.remove(&key);
    let lost = home.bytes(&document).await;
    assert!(matches!(lost, Err(StorageError::Files(FilesError::Missing))), "{lost:?}");

    home.bucket.fail(9, 500);
    let away = home.bytes(&document).await.unwrap_err();
    assert!(away.is_transient(), "{away:?}");
    let large = vec![7; INLINE + 1];
    let refused = home.db.keep(tenant.id, home.clock.id(), &large).await;
    assert!(refused.is_err_and(|error| error.is_transient()));
}
