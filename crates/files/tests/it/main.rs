//! Both stores keep one contract; what is S3's own is held against a strict fake.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use replyx_core::{
    clock::Clock,
    ids::{FileId, WorkspaceId},
    knowledge::Fingerprint,
};
use replyx_files::{Files, FilesError, Key, S3Address};
use replyx_testkit::{http_client, s3::FakeS3};

fn key(clock: &Clock) -> Key {
    Key { workspace: clock.id::<WorkspaceId>(), file: clock.id::<FileId>() }
}

fn hash(bytes: &[u8]) -> String {
    Fingerprint::of(bytes).content_hash().to_owned()
}

/// Reads a file that should be these bytes.
async fn read(files: &Files, key: Key, bytes: &[u8]) -> Result<Vec<u8>, FilesError> {
    files.read(key, &hash(bytes), bytes.len() as u64).await
}

fn in_s3(url: &str) -> Files {
    // The client that is built here installs the provider of TLS.
    drop(http_client());
    Files::in_s3(S3Address::parse(url).unwrap(), Clock::system()).unwrap()
}

async fn keeps_what_it_is_given(files: &Files) {
    let clock = Clock::system();
    let [first, second] = [key(&clock), key(&clock)];
    let large = vec![7; 300_000];

    files.put(first, large.clone()).await.unwrap();
    files.put(first, large.clone()).await.unwrap();
    files.put(second, b"second".to_vec()).await.unwrap();

    assert_eq!(read(files, first, &large).await.unwrap(), large);
    assert_eq!(read(files, second, b"second").await.unwrap(), b"second");
    let wrong = read(files, second, b"sacond").await;
    assert!(matches!(wrong, Err(FilesError::Damaged)), "{wrong:?}");
    let longer = files.read(first, &hash(&large), 10).await;
    assert!(matches!(longer, Err(FilesError::Damaged)), "it has more bytes than its row says");

    let mut keys = vec![first, second];
    keys.sort_unstable();
    assert_eq!(files.list(None).await.unwrap(), keys);
    assert_eq!(files.list(Some(keys[0])).await.unwrap(), keys[1..]);
    assert_eq!(files.list(Some(keys[1])).await.unwrap(), []);

    let empty = key(&clock);
    files.put(empty, Vec::new()).await.unwrap();
    assert_eq!(read(files, empty, b"").await.unwrap(), b"");
    files.delete(empty).await.unwrap();

    files.delete(first).await.unwrap();
    files.delete(first).await.unwrap();
    let gone = read(files, first, &large).await;
    assert!(matches!(gone, Err(FilesError::Missing)), "{gone:?}");
    assert_eq!(files.list(None).await.unwrap(), [second]);
    files.check(key(&clock)).await.unwrap();
    assert_eq!(files.list(None).await.unwrap(), [second]);
}

#[tokio::test]
async fn a_folder_keeps_what_it_is_given() {
    let home = tempfile::tempdir().unwrap();
    let files = Files::in_folder(home.path().join("files"));
    assert_eq!(files.list(None).await.unwrap(), []);
    keeps_what_it_is_given(&files).await;
}

#[tokio::test]
async fn a_bucket_keeps_what_it_is_given() {
    let store = FakeS3::start().await.unwrap();
    keeps_what_it_is_given(&in_s3(&store.url(""))).await;
    keeps_what_it_is_given(&in_s3(&store.url("/shop/files"))).await;
    let refused =
        store.requests().into_iter().find(|(_, status)| !matches!(status, 200 | 204 | 404));
    assert_eq!(refused, None);
}

#[tokio::test]
async fn files_of_others_beside_ours_are_left_out() {
    let clock = Clock::system();
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("lost+found")).unwrap();
    fs::write(home.path().join("notes.txt"), "x").unwrap();
    let files = Files::in_folder(home.path());
    let own = key(&clock);
    files.put(own, b"x".to_vec()).await.unwrap();
    fs::write(home.path().join(own.workspace.to_string()).join("readme"), "x").unwrap();
    assert_eq!(files.list(None).await.unwrap(), [own]);

    let store = FakeS3::start().await.unwrap();
    store.set("shop/notes.txt", "x");
    store.set(&format!("other/{}/{}", own.workspace, own.file), "x");
    let files = in_s3(&store.url("/shop"));
    files.put(own, b"x".to_vec()).await.unwrap();
    assert_eq!(files.list(None).await.unwrap(), [own]);
}

/// A page of the list that holds nothing of ours is not its end.
#[tokio::test]
async fn files_behind_more_than_a_page_of_others_are_listed() {
    let clock = Clock::system();
    let store = FakeS3::start().await.unwrap();
    let own = key(&clock);
    // In front of every id, and behind it.
    for number in 0..1_100 {
        store.set(&format!("shop/!others/{number:04}"), "x");
        store.set(&format!("shop/~others/{number:04}"), "x");
    }
    let files = in_s3(&store.url("/shop"));
    files.put(own, b"x".to_vec()).await.unwrap();

    assert_eq!(files.list(None).await.unwrap(), [own]);
    assert_eq!(files.list(Some(own)).await.unwrap(), []);
}

/// Killed between the first byte and the rename.
#[tokio::test]
async fn a_half_written_file_is_never_read_and_is_an_orphan() {
    let clock = Clock::system();
    let home = tempfile::tempdir().unwrap();
    let files = Files::in_folder(home.path());
    let half = key(&clock);
    let folder = home.path().join(half.workspace.to_string());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{}.part", half.file)), "ha").unwrap();

    let read = read(&files, half, b"ha").await;
    assert!(matches!(read, Err(FilesError::Missing)), "{read:?}");
    assert_eq!(files.list(None).await.unwrap(), [half]);
    files.delete(half).await.unwrap();
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_store_that_fails_for_a_moment_is_asked_again_and_one_that_goes_on_is_told() {
    let clock = Clock::system();
    let store = FakeS3::start().await.unwrap();
    let files = in_s3(&store.url(""));
    let own = key(&clock);

    store.fail(2, 503);
    files.put(own, b"x".to_vec()).await.unwrap();
    assert!(!files.failed_within(std::time::Duration::from_mins(1)));

    store.fail(3, 503);
    let failed = read(&files, own, b"x").await.unwrap_err();
    assert!(failed.is_transient(), "{failed:?}");
    assert!(files.failed_within(std::time::Duration::from_mins(1)));
    assert_eq!(read(&files, own, b"x").await.unwrap(), b"x");

    drop(store);
    let away = read(&files, own, b"x").await.unwrap_err();
    assert!(matches!(away, FilesError::Unreachable(_)) && away.is_transient(), "{away:?}");
}

#[tokio::test]
async fn a_wrong_key_region_or_bucket_is_refused_and_is_no_missing_file() {
    let clock = Clock::system();
    let store = FakeS3::start().await.unwrap();
    let good = store.url("");
    for (bad, expected) in [
        (good.replace("secret", "sacred"), (403, "SignatureDoesNotMatch")),
        (good.replace("AKIAFAKE", "AKIAOTHER"), (403, "InvalidAccessKeyId")),
        (good.replace("eu-test-1", "us-east-1"), (403, "InvalidAccessKeyId")),
        (good.replace("replyx-test", "another"), (404, "NoSuchBucket")),
    ] {
        let refused = in_s3(&bad).read(key(&clock), "", 1).await.unwrap_err();
        let FilesError::Refused { status, code } = &refused else { panic!("{refused:?}") };
        assert_eq!((*status, code.as_str()), expected, "{bad}");
        assert!(!refused.is_transient());
    }
    assert_eq!(store.objects(), []);
}

#[test]
fn an_address_that_cannot_be_used_is_refused_without_its_secret() {
    for (address, why) in [
        ("nonsense", "not a URL"),
        ("ftp://k:s3cret@host/bucket", "must begin with"),
        ("https://host/bucket", "access key"),
        ("https://k@host/bucket", "access key"),
        ("https://k:s3cret@host", "bucket"),
        ("https://k:s3cret@host/bu%20cket", "letters"),
        ("https://k:s3cret@host/bucket?zone=1", "one parameter"),
    ] {
        let refused = S3Address::parse(address).unwrap_err();
        assert!(refused.contains(why), "{address}: {refused}");
    }
    let good = S3Address::parse("https://k:s3cret@host/bucket/a/b?region=r").unwrap();
    assert!(!format!("{good:?}").contains("s3cret"));
}

/// Files that an earlier configuration kept in a folder are read, deleted and listed there.
#[tokio::test]
async fn a_bucket_that_follows_a_folder_finds_what_is_in_the_folder() {
    let clock = Clock::system();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("files");
    let old = key(&clock);
    Files::in_folder(&folder).put(old, b"old".to_vec()).await.unwrap();

    let store = FakeS3::start().await.unwrap();
    let files = in_s3(&store.url("")).after(&folder);
    assert_eq!(read(&files, old, b"old").await.unwrap(), b"old");
    assert_eq!(files.list(None).await.unwrap(), []);
    assert_eq!(files.earlier().unwrap().list(None).await.unwrap(), [old]);
    files.delete(old).await.unwrap();
    assert!(matches!(read(&files, old, b"old").await, Err(FilesError::Missing)));

    let lost = read(&Files::in_database(), old, b"old").await;
    assert!(matches!(lost, Err(FilesError::NoStore)), "{lost:?}");
}
