//! Fresh databases for tests: one for each, on both homes.
//!
//! `REPLYX_TEST_POSTGRES` names a `PostgreSQL` server where databases may be made, `REPLYX_TEST_PGVECTOR` one with
//! pgvector; without them a test fails, it does not skip: run through `make test` or `scripts/services run`.

use replyx_core::clock::random_hex;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::{Db, PoolSize};

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
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    open(url, None, folder).await
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
    admin(&server, &format!("CREATE DATABASE {name}")).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    open(url, Some((server, name)), folder).await
}

/// Changes a database behind the program's back; returns how many rows.
///
/// # Panics
///
/// When the statement fails.
pub async fn tamper(url: &str, sql: &str) -> u64 {
    let sql = AssertSqlSafe(sql.to_owned());
    let changed = if let Some(path) = url.strip_prefix("sqlite:") {
        let mut connection = SqliteConnection::connect(path).await.expect("the file opens");
        sqlx::query(sql).execute(&mut connection).await.map(|done| done.rows_affected())
    } else {
        let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
        sqlx::query(sql).execute(&mut connection).await.map(|done| done.rows_affected())
    };
    changed.expect("the statement can be run")
}

async fn open(url: String, postgres: Option<(String, String)>, folder: TempDir) -> TestDb {
    let db = Db::open(&url, PoolSize { max: 8 }).await.expect("a fresh database opens");
    db.migrate().await.expect("a fresh database can be migrated");
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

/// Writes one test that runs on every kind of database: `on_every_db! { async fn name(db: &TestDb) {} }`.
#[macro_export]
macro_rules! on_every_db {
    ($(#[$meta:meta])* async fn $name:ident($db:ident: &TestDb) $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn run($db: &$crate::testing::TestDb) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run(&$crate::testing::sqlite().await).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run(&$crate::testing::postgres().await).await;
            }
        }
    };
}
