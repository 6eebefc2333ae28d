//! Fresh databases for tests: one for each, on both homes.
//!
//! Migrating takes longer than most tests do, so each home keeps a migrated template, named after
//! the text of the migrations, and a fresh database is a copy of it.
//!
//! `REPLYX_TEST_POSTGRES` names a `PostgreSQL` server where databases may be made,
//! `REPLYX_TEST_PGVECTOR` one with pgvector; without them a test fails, it does not skip: run
//! through `make test` or `scripts/services run`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use replyx_core::{audit::Act, clock::random_hex, ids::WorkspaceId};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::{Db, PoolSize, StorageError, Sync, Tx, audit, db::Pool, migrate};

mod aging;
mod statements;

pub use aging::age;
pub use statements::{explain, statements, take_sent};

/// How often a template that somebody still looks at is tried to be renamed, and how long it takes
/// between two tries.
const RENAMES: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(50);
/// The advisory lock under which a server's template is made.
const MAKING: i64 = 0x7265_706c_7978;

/// A migrated, empty database that is gone when this is dropped.
#[derive(Debug)]
pub struct TestDb {
    /// The open database.
    pub db: Db,
    /// Its address, for a program that opens it too.
    pub url: String,
    postgres: Option<(String, String)>,
    _folder: TempDir,
}

/// An empty `SQLite` database.
///
/// # Panics
///
/// When it cannot be made.
pub async fn sqlite() -> TestDb {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("test.db");
    std::fs::copy(sqlite_template().await, &file).expect("the template can be copied");
    let url = format!("sqlite:{}", file.display());
    open(url, None, folder).await
}

/// The migrated file that fresh databases are copies of. Several processes may make it at once:
/// each makes its own, and one of the equal files keeps the name.
async fn sqlite_template() -> PathBuf {
    let name = format!("replyx-template-{}.db", migrate::fingerprint());
    let template = std::env::temp_dir().join(name);
    if template.exists() {
        return template;
    }

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("template.db");
    migrated(&format!("sqlite:{}", file.display())).await;
    // Part of it may still stand in the log beside the file, which a copy of the file would lack.
    let whole = folder.path().join("whole.db");
    let copy = format!("VACUUM INTO '{}'", whole.display());
    on_file(&file, move |connection| connection.execute_batch(&copy)).await;
    std::fs::rename(&whole, &template).expect("the template can be renamed");
    template
}

/// An empty `PostgreSQL` database.
///
/// # Panics
///
/// When there is no server, or it refuses.
pub async fn postgres() -> TestDb {
    on_server("REPLYX_TEST_POSTGRES").await
}

/// An empty database on a `PostgreSQL` that has pgvector.
///
/// # Panics
///
/// When there is no server, or it refuses.
pub async fn pgvector() -> TestDb {
    on_server("REPLYX_TEST_PGVECTOR").await
}

async fn on_server(variable: &str) -> TestDb {
    let server = std::env::var(variable).unwrap_or_else(|_| {
        panic!("`{variable}` names a PostgreSQL server: run through `make test` or `scripts/services run`")
    });
    let name = format!("replyx_{}", random_hex::<10>());
    let (prefix, _) = server.rsplit_once('/').expect("the address ends in a database");
    let url = format!("{prefix}/{name}");
    let template = postgres_template(&server).await;
    admin(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    open(url, Some((server, name)), folder).await
}

/// The migrated database that fresh ones are copies of. It is made under another name: what has its
/// name is whole.
async fn postgres_template(server: &str) -> String {
    let name = format!("replyx_template_{}", migrate::fingerprint());
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL answers");
    if exists(&mut connection, &name).await {
        return name;
    }

    let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(MAKING);
    lock.execute(&mut connection).await.expect("the lock can be had");
    if !exists(&mut connection, &name).await {
        let unfinished = format!("{name}_unfinished");
        let (prefix, _) = server.rsplit_once('/').expect("the address ends in a database");
        admin(server, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        admin(server, &format!("CREATE DATABASE {unfinished}")).await;
        migrated(&format!("{prefix}/{unfinished}")).await;
        rename(&mut connection, &unfinished, &name).await;
    }
    let _ = connection.close().await;
    name
}

async fn exists(connection: &mut PgConnection, name: &str) -> bool {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)");
    found.bind(name).fetch_one(connection).await.expect("PostgreSQL lists its databases")
}

/// Renames a database whose last connection may be about to close.
async fn rename(connection: &mut PgConnection, from: &str, to: &str) {
    let sql = format!("ALTER DATABASE {from} RENAME TO {to}");
    for _ in 1..RENAMES {
        if sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut *connection).await.is_ok() {
            return;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    let last = sqlx::query(AssertSqlSafe(sql)).execute(connection).await;
    last.expect("a database that nobody uses can be renamed");
}

async fn migrated(url: &str) {
    let db = Db::open_synced(url, PoolSize { max: 2 }, Sync::Normal).await;
    let db = db.expect("a fresh database opens");
    db.migrate().await.expect("a fresh database can be migrated");
    db.close().await;
}

/// Whether there is room on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// None.
    Full,
    /// Enough.
    Roomy,
}

/// Lets an `SQLite` database grow no further, as a full disk would, or lets it grow again.
///
/// # Panics
///
/// When it is not `SQLite`.
pub async fn set_full(db: &Db, disk: Disk) {
    let Pool::Sqlite(sqlite) = &db.pool else { panic!("only `SQLite` can be made full") };
    let writer = sqlite.writer().await.expect("the writer is free");
    // As many as there are already is the least that is taken.
    let pages = if disk == Disk::Full { 1 } else { 1_000_000 };
    writer.set_max_pages(pages).expect("a pragma can be set");
}

/// Adds an entry of any name to an audit log at once, for tests of the log itself.
///
/// # Errors
///
/// Fails when the log's newest entry is not the one that its head says.
pub async fn append_entry(
    tx: &mut Tx,
    chain: Option<WorkspaceId>,
    act: &Act,
) -> Result<(), StorageError> {
    audit::append(tx, chain, act).await
}

/// Changes a database behind the program's back; returns how many rows.
///
/// # Panics
///
/// When the statement fails.
pub async fn tamper(url: &str, sql: &str) -> u64 {
    let sql = sql.to_owned();
    if let Some(path) = url.strip_prefix("sqlite:") {
        return on_file(path.as_ref(), move |connection| {
            connection.execute_batch(&sql)?;
            Ok(connection.changes())
        })
        .await;
    }
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await;
    done.expect("the statement can be run").rows_affected()
}

/// How many sessions of a `PostgreSQL` database wait for a lock that another one holds.
///
/// # Panics
///
/// When the database cannot be asked.
pub async fn lock_waiters(url: &str) -> u64 {
    const WAITERS: &str = "SELECT 1 FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";
    tamper(url, WAITERS).await
}

/// Does something on a connection of its own to a file, on another thread: what holds the file may
/// be a task of this one.
async fn on_file<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> T {
    let path = path.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let connection = rusqlite::Connection::open(path)?;
        connection.execute_batch("PRAGMA foreign_keys = ON")?;
        work(&connection)
    });
    done.await.expect("it does not panic").expect("the statement can be run")
}

/// How the database goes about claiming jobs, claiming turns and finding what may be sent: a line
/// for each step.
///
/// # Panics
///
/// When the database does not explain it.
pub async fn plans(url: &str) -> [String; 3] {
    let texts = [crate::jobs::CLAIM, crate::turns::CLAIM, crate::outbox::SENDABLE];
    let mut plans = Vec::new();
    for (texts, times) in texts.into_iter().zip(["$2", "$2", "$1"]) {
        plans.push(plan(url, texts, times).await);
    }
    plans.try_into().expect("there are three texts")
}

/// How the database goes about reading the events of a dialog: a line for each step.
///
/// # Panics
///
/// When the database does not explain it.
pub async fn plan_of_dialog_events(url: &str) -> String {
    let text = crate::events::OF_DIALOG.replace("$4", "$1");
    plan(url, [&text, &text], "$9").await
}

async fn plan(url: &str, [postgres, sqlite]: [&str; 2], time: &str) -> String {
    let is_sqlite = url.starts_with("sqlite:");
    let (text, id) = if is_sqlite {
        (sqlite, "x'00000000000000000000000000000000'")
    } else {
        (postgres, "'00000000-0000-0000-0000-000000000000'::uuid")
    };

    let text = text.replace(
        time,
        if is_sqlite { "'2030-01-01T00:00:00.000000+00:00'" } else { "'2030-01-01'::timestamptz" },
    );

    let text = [("$1", id), ("$2", "8"), ("$3", "8"), ("$4", "9"), ("$5", id), ("$6", "'heavy'")]
        .into_iter()
        .fold(text, |text, (name, value)| text.replace(name, value));
    if let Some(path) = url.strip_prefix("sqlite:") {
        let sql = format!("EXPLAIN QUERY PLAN {text}");
        on_file(path.as_ref(), move |connection| {
            let mut explained = connection.prepare(&sql)?;
            let steps = explained.query_map([], |row| Ok(row.get::<_, String>(3)? + "\n"))?;
            steps.collect()
        })
        .await
    } else {
        let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
        let sql = AssertSqlSafe(format!("EXPLAIN {text}"));
        let rows: Vec<(String,)> =
            sqlx::query_as(sql).fetch_all(&mut connection).await.expect("it is explained");
        rows.into_iter().map(|(step,)| step + "\n").collect()
    }
}

async fn open(url: String, postgres: Option<(String, String)>, folder: TempDir) -> TestDb {
    // A test that cuts the power would notice.
    let db = Db::open_synced(&url, PoolSize { max: 8 }, Sync::Normal).await;
    let db = db.expect("a fresh database opens");
    TestDb { db, url, postgres, _folder: folder }
}

async fn admin(server: &str, sql: &str) {
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL answers");
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("PostgreSQL makes and drops databases");
    let _ = connection.close().await;
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let Some((server, name)) = self.postgres.take() else { return };
        let drop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(admin(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
            }
        };
        // On a thread of its own: a runtime cannot block inside another.
        let _ = std::thread::spawn(drop).join();
    }
}
