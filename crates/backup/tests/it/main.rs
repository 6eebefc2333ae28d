//! Backups of databases in every state, and of files that somebody has changed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
};

use chrono::{DateTime, Utc};
use replyx_backup::{BackupError, Making, Opener, PAUSED, Seal, restore, save, verify};
use replyx_core::{change::New, clock::Clock, fixtures, role::Role, rules::user::UserWithPassword};
use replyx_storage::{
    Db, StorageError,
    copy::Cell,
    testing::{self, TestDb},
};
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).unwrap()
}

/// A workspace and its owner, in one transaction.
async fn grow(db: &Db) {
    let clock = Clock::system();
    let workspace = fixtures::workspace(&clock);
    let mut user = fixtures::user(&clock);
    user.email = format!("{}@example.org", user.id.into_uuid().simple());
    let member = fixtures::member(&clock, workspace.id, user.id, Role::Owner);
    let mut tx = db.begin().await.unwrap();
    tx.apply(fixtures::unexplained(New(workspace))).await.unwrap();
    let with_password = UserWithPassword { user, password_hash: "x".to_owned() };
    tx.apply(fixtures::unexplained(New(with_password))).await.unwrap();
    tx.apply(fixtures::unexplained(New(member))).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Db, name: &str) -> usize {
    let mut snapshot = db.snapshot().await.unwrap();
    let tables = snapshot.tables().await.unwrap();
    let table = tables.iter().find(|table| table.name == name).unwrap();
    let mut rows = 0;
    let each = |_: &[Cell]| {
        rows += 1;
        Ok::<_, StorageError>(())
    };
    snapshot.rows(table, each).await.unwrap();
    rows
}

fn making(seal: Seal) -> Making {
    Making { program: "0.1.0".to_owned(), keys: Vec::new(), seal }
}

async fn saved(db: &Db) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    save(db, &file, making(Seal::Open), now(), |_, _| {}).await.unwrap();
    (folder, file)
}

async fn restored(file: &Path, home: &TestDb) -> Result<u64, BackupError> {
    restore(&home.db, file, &Opener::default(), &[], now(), |_, _| {})
        .await
        .map(|restored| restored.rows)
}

/// Somebody writes while each table is read; the backup shows one moment.
async fn shows_one_moment(home: TestDb, other: TestDb) {
    for _ in 0..3 {
        grow(&home.db).await;
    }
    let (ask, asked) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel::<()>();
    let db = home.db.clone();
    let runtime = tokio::runtime::Handle::current();
    let writer = std::thread::spawn(move || {
        while asked.recv().is_ok() {
            runtime.block_on(grow(&db));
            tell.send(()).unwrap();
        }
    });

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let mut tables = 0;
    save(&home.db, &file, making(Seal::Open), now(), |_, _| {
        tables += 1;
        ask.send(()).unwrap();
        tokio::task::block_in_place(|| told.recv()).unwrap();
    })
    .await
    .unwrap();
    drop(ask);
    writer.join().unwrap();
    assert_eq!(count(&home.db, "members").await, 3 + tables, "all were written meanwhile");

    let rows = restored(&file, &other).await.unwrap();
    assert!(rows >= 9, "{rows}");
    for name in ["members", "workspaces", "users"] {
        assert_eq!(count(&other.db, name).await, 3, "{name}");
    }
    assert_eq!(
        verify(&file, &Opener::default(), now(), |_, _| {}).await.unwrap().header.made_at,
        now()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_of_a_file_shows_one_moment_whatever_is_written_meanwhile() {
    shows_one_moment(testing::sqlite().await, testing::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_of_a_server_shows_one_moment_whatever_is_written_meanwhile() {
    shows_one_moment(testing::postgres().await, testing::sqlite().await).await;
}

#[replyx_storage::on_every_db]
async fn a_restored_home_is_paused_and_is_not_restored_into_again(home: &TestDb) {
    let source = testing::sqlite().await;
    grow(&source.db).await;
    let (_folder, file) = saved(&source.db).await;

    let rows = restored(&file, home).await.unwrap();
    let mut tx = home.db.read().await.unwrap();
    assert_eq!(tx.system().settings().find(PAUSED).await.unwrap().as_deref(), Some("true"));
    drop(tx);
    assert!(matches!(restored(&file, home).await, Err(BackupError::Used)));

    // Its own backup does not say so: whoever restores that is told by the restore.
    let (_folder, again) = saved(&home.db).await;
    let third = testing::sqlite().await;
    assert_eq!(restored(&again, &third).await.unwrap(), rows);
    assert!(matches!(
        save(&home.db, &again, making(Seal::Open), now(), |_, _| {}).await,
        Err(BackupError::Exists(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_cut_or_changed_anywhere_is_refused_and_leaves_nothing() {
    let source = testing::sqlite().await;
    grow(&source.db).await;
    let (folder, file) = saved(&source.db).await;
    let whole = fs::read(&file).unwrap();
    let home = testing::sqlite().await;
    let damaged = folder.path().join("damaged");
    let refused = async |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).unwrap();
        let error = restored(&damaged, &home).await.expect_err(what);
        assert!(home.db.is_unused().await.unwrap(), "{what}: {error}");
        error
    };

    let step = (whole.len() / 40).max(1);
    for length in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
        let what = format!("cut at {length}");
        let error = refused(&whole[..length], &what).await;
        let is_told = matches!(error, BackupError::Cut(_) | BackupError::NotABackup);
        assert!(is_told, "{what}: {error}");
    }
    for at in (0..whole.len()).step_by(step) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let error = refused(&bytes, &format!("changed at {at}")).await;
        assert!(!matches!(error, BackupError::Used), "{error}");
    }
    let longer = [whole.as_slice(), b"more"].concat();
    refused(&longer, "longer").await;
    refused(b"", "empty").await;
    assert!(verify(&damaged, &Opener::default(), now(), |_, _| {}).await.is_err());
    let names = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2, "there are the backup and the damaged one, and nothing beside them");

    restored(&file, &home).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_an_earlier_version_become_those_of_this_one() {
    let source = testing::sqlite().await;
    grow(&source.db).await;
    source.db.migrate_down(2).await.unwrap();
    let (_folder, file) = saved(&source.db).await;

    assert!(verify(&file, &Opener::default(), now(), |_, _| {}).await.is_ok());
    let home = testing::postgres().await;
    restored(&file, &home).await.unwrap();
    assert!(home.db.migrations().await.unwrap().iter().all(|step| step.applied));
    grow(&home.db).await;
    assert_eq!(count(&home.db, "members").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_backup_is_read_with_its_key_and_not_without() {
    let source = testing::sqlite().await;
    grow(&source.db).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let owner = age::x25519::Identity::generate();
    let stranger = age::x25519::Identity::generate();
    let of = |identity: &age::x25519::Identity| {
        let text = format!("# a key\n\n{}\n", identity.to_string().expose_secret());
        Opener::default().with_identities(&text).unwrap()
    };
    let seal = Seal::to(&[owner.to_public().to_string()]).unwrap();
    save(&source.db, &file, making(seal), now(), |_, _| {}).await.unwrap();

    // None of the words of the tables can be read, and age's own header comes first.
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    let (_open, plain) = saved(&source.db).await;
    assert!(fs::read(&plain).unwrap().starts_with(b"replyx-backup "));
    assert!(!bytes.windows(13).any(|window| window == b"replyx-backup"));

    let home = testing::sqlite().await;
    for opener in [Opener::default(), of(&stranger)] {
        let refused = restore(&home.db, &file, &opener, &[], now(), |_, _| {}).await;
        assert!(matches!(refused, Err(BackupError::Encrypted)), "{refused:?}");
        assert!(home.db.is_unused().await.unwrap());
    }
    verify(&file, &of(&owner), now(), |_, _| {}).await.unwrap();

    // Cut and changed files are refused as others are.
    let damaged = folder.path().join("damaged");
    let step = (bytes.len() / 20).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        for bad in [&bytes[..at], &changed] {
            fs::write(&damaged, bad).unwrap();
            let refused = restore(&home.db, &damaged, &of(&owner), &[], now(), |_, _| {}).await;
            assert!(refused.is_err(), "at {at}");
            assert!(home.db.is_unused().await.unwrap(), "at {at}");
        }
    }
    restore(&home.db, &file, &of(&owner), &[], now(), |_, _| {}).await.unwrap();
    assert_eq!(count(&home.db, "members").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_encrypted_with_a_passphrase() {
    let source = testing::sqlite().await;
    grow(&source.db).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let seal = Seal::Passphrase("correct horse battery".into());
    save(&source.db, &file, making(seal), now(), |_, _| {}).await.unwrap();

    let home = testing::sqlite().await;
    let wrong = Opener::default().with_passphrase("correct horse".into());
    let refused = restore(&home.db, &file, &wrong, &[], now(), |_, _| {}).await;
    assert!(matches!(refused, Err(BackupError::Encrypted)), "{refused:?}");
    let right = Opener::default().with_passphrase("correct horse battery".into());
    restore(&home.db, &file, &right, &[], now(), |_, _| {}).await.unwrap();
    assert_eq!(count(&home.db, "members").await, 1);
}

#[test]
fn what_is_no_key_is_refused_by_name() {
    let refused = Seal::to(&["age1nothing".to_owned()]).err().unwrap();
    assert!(refused.to_string().contains("`age1nothing`"), "{refused}");
    for text in ["", "# only a comment\n", "no key\n"] {
        let refused = Opener::default().with_identities(text);
        assert!(matches!(refused, Err(BackupError::Identity)), "{text}");
    }
}
