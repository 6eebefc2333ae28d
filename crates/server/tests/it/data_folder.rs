//! The folder that holds everything: who may read it, and what becomes of a key that was never
//! written.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use replyx_testkit::program::Launch;

use crate::harness::{self, Home, PATIENCE, REPLYX, SECRET};

/// Every file and folder that others than the owner may do anything with.
fn open(path: &Path) -> Vec<PathBuf> {
    let about = fs::symlink_metadata(path).unwrap();
    let mut found = Vec::new();
    if about.permissions().mode() & 0o077 != 0 {
        found.push(path.to_owned());
    }
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            found.extend(open(&entry.unwrap().path()));
        }
    }
    found
}

/// The default: a database, logs, mails, a lock and a key in one folder.
fn launch(folder: &Path) -> Launch {
    Launch::serve(REPLYX).unlimited().data(folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_can_read_what_is_stored_and_what_was_left_open_is_closed() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let program = launch(&data).start().await;
    let api = replyx_testkit::api::Api::new(program.base());
    let api = api.register(harness::EMAIL, harness::PASSWORD).await;
    api.post("/api/v1/auth/password/forgot", &serde_json::json!({"email": harness::EMAIL})).await;
    harness::until("a mail is written", async || data.join("mail").exists().then_some(())).await;
    for name in ["replyx.db", "replyx.db-wal", "secret.key", "process.id", "logs"] {
        assert!(data.join(name).exists(), "{name}");
    }
    assert_eq!(open(&data), Vec::<PathBuf>::new());
    program.terminate().await;

    // As an earlier version left it.
    for (name, mode) in [("replyx.db", 0o644), ("logs", 0o755), ("mail", 0o755), ("", 0o755)] {
        fs::set_permissions(data.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let folder = data.display().to_string();
    let doctor = async || harness::run(&["doctor"], &[("DATA_DIR", &*folder)]).await.1;
    let told = doctor().await;
    assert!(told.contains("note  files") && told.contains("4 of them"), "{told}");
    let program = launch(&data).start().await;
    assert_eq!(open(&data), Vec::<PathBuf>::new());
    assert!(program.log().contains("removed other users' access to files"), "{}", program.log());
    assert!(doctor().await.contains("ok    files"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_elsewhere_is_closed_to_others_and_its_folder_is_left() {
    let home = Home::sqlite().await;
    let path = PathBuf::from(home.db.url.strip_prefix("sqlite:").unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let folder = path.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let _shop = home.open().await;
    for end in ["", "-wal", "-shm"] {
        assert_eq!(open(Path::new(&format!("{}{end}", path.display()))), Vec::<PathBuf>::new());
    }
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o755);
}

/// The machine stopped between making the file of the key and writing it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_key_is_made_anew_unless_something_was_sealed_with_it() {
    let home = Home::sqlite().await;
    let key = home.folder.path().join("secret.key");
    let launch = home.launch().with("SECRET_KEY", "");
    for left in ["", "\n"] {
        fs::write(&key, left).unwrap();
        let program = launch.start().await;
        assert_eq!(fs::read_to_string(&key).unwrap().len(), 64);
        assert!(program.log().contains("nothing was encrypted with it"), "{}", program.log());
        program.terminate().await;
    }

    home.bot();
    let shop = home.open_with(launch.clone()).await;
    shop.connect().await;
    shop.program.terminate().await;
    let kept = fs::read_to_string(&key).unwrap();
    fs::write(&key, "").unwrap();
    let (status, text) = launch.run().await;
    assert!(!status.success() && text.contains("restore the file from a backup"), "{text}");
    assert_eq!(fs::read_to_string(&key).unwrap(), "", "it is left as it was");

    fs::write(&key, kept).unwrap();
    let program = launch.start().await;
    let answered = home.bot().customer(7).ask("/start", PATIENCE).await;
    assert!(answered.is_some(), "the bot's token is opened as before");
    drop(program);
    // With a key of the configuration the file does not count.
    fs::write(&key, "").unwrap();
    launch.with("SECRET_KEY", SECRET).start().await;
}
