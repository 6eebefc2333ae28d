//! Opening a database and its transactions.

use std::{io, path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    StorageError,
    installation::Installation,
    refusals::{Refusal, Refusals},
    tx::{Conn, Listener, Tx},
};

/// How long a caller waits for a free connection before the request fails.
const ACQUIRE: Duration = Duration::from_secs(10);

/// How long the first connection may take when a database is opened.
const REACH: Duration = Duration::from_secs(5);

/// A beat that stands still inside its transaction (the process was frozen) would keep its row, and
/// others could not tell that it is dead: the server ends such a transaction.
const FROZEN: &str = "SET idle_in_transaction_session_timeout = '10s'";

/// How many connections are kept.
#[derive(Clone, Copy, Debug)]
pub struct PoolSize {
    /// Most connections at once (`PostgreSQL`); readers beside the one writer (`SQLite`).
    pub max: u32,
}

impl Default for PoolSize {
    fn default() -> Self {
        Self { max: 35 }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(crate) pool: Pool,
    /// One connection beside the pool of `PostgreSQL`, for what must not wait for the others: a
    /// process that cannot say that it lives is taken for dead. `SQLite` has one process, and
    /// nobody to take it for dead.
    reserved: Option<PgPool>,
    pub(crate) installation: Installation,
    listener: Option<Arc<dyn Listener>>,
    refusals: Refusals,
}

#[derive(Clone)]
pub(crate) enum Pool {
    Postgres(PgPool),
    /// `SQLite` has one writer; readers do not wait for it (WAL).
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Db").field(&self.backend()).finish()
    }
}

impl Db {
    /// Opens the database at `url`: `sqlite:PATH` (made when absent) or `postgres://...`.
    ///
    /// # Errors
    ///
    /// Fails when the address is neither, or the database cannot be reached.
    pub async fn open(url: &str, size: PoolSize) -> Result<Self, StorageError> {
        let installation = Installation::default();
        let (pool, reserved) = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url)?.application_name("replyx");
            reach(&options).await?;
            let pool = postgres(size.max, &installation, "").connect_with(options.clone()).await?;
            let reserved = postgres(1, &installation, FROZEN).connect_lazy_with(options);
            (Pool::Postgres(pool), Some(reserved))
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            (open_sqlite(path, size).await?, None)
        } else {
            return Err(StorageError::Address);
        };
        Ok(Self { pool, reserved, installation, listener: None, refusals: Refusals::default() })
    }

    /// The same database, whose commits are told to `listener`.
    #[must_use]
    pub fn with_listener(self, listener: Arc<dyn Listener>) -> Self {
        Self { listener: Some(listener), ..self }
    }

    /// The kind of database, for logs: `sqlite` or `postgres`.
    pub const fn backend(&self) -> &'static str {
        match self.pool {
            Pool::Postgres(_) => "postgres",
            Pool::Sqlite { .. } => "sqlite",
        }
    }

    /// Can other processes work on the same database?
    pub const fn is_shared(&self) -> bool {
        matches!(self.pool, Pool::Postgres(_))
    }

    /// Opens a transaction that may write.
    ///
    /// `SQLite` takes its write lock at once: a transaction that first reads and then writes would
    /// otherwise fail as soon as another one wrote in between.
    pub async fn begin(&self) -> Result<Tx, StorageError> {
        let conn = self.open_transaction().await.inspect_err(|error| self.refusals.note(error))?;
        Ok(Tx::new(conn, self.listener.clone(), self.refusals.clone()))
    }

    async fn open_transaction(&self) -> Result<Conn, StorageError> {
        Ok(match &self.pool {
            Pool::Postgres(pool) => Conn::Postgres(
                // Said, because a server may be set to another default: a statement that waited for
                // a lock must see what the holder did.
                begin_postgres(pool, "BEGIN ISOLATION LEVEL READ COMMITTED").await?,
            ),
            Pool::Sqlite { writer, .. } => Conn::Sqlite(begin_sqlite(writer).await?),
        })
    }

    /// Opens a transaction that may write, on the connection that is kept for what must not wait
    /// while all others are in use: saying that a process lives.
    pub async fn begin_reserved(&self) -> Result<Tx, StorageError> {
        let Some(reserved) = &self.reserved else { return self.begin().await };
        let begun = begin_postgres(reserved, "BEGIN ISOLATION LEVEL READ COMMITTED").await;
        let conn = begun.inspect_err(|error| self.refusals.note(error))?;
        Ok(Tx::new(Conn::Postgres(conn), self.listener.clone(), self.refusals.clone()))
    }

    /// Opens a transaction that only reads, and waits for no writer.
    pub async fn read(&self) -> Result<Tx, StorageError> {
        let conn = match &self.pool {
            Pool::Postgres(pool) => Conn::Postgres(
                begin_postgres(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            ),
            Pool::Sqlite { readers, .. } => Conn::Sqlite(readers.begin().await?),
        };
        Ok(Tx::new(conn, None, self.refusals.clone()))
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let mut tx = self.read().await?;
        run!(tx, "SELECT 1");
        Ok(())
    }

    /// Why the database took no write, if one was refused within this time.
    pub fn refused_within(&self, time: Duration) -> Option<Refusal> {
        self.refusals.within(time)
    }

    /// Connections: (open, idle, most at once).
    pub fn connections(&self) -> (u32, usize, u32) {
        match &self.pool {
            Pool::Postgres(pool) => {
                (pool.size(), pool.num_idle(), pool.options().get_max_connections())
            }
            Pool::Sqlite { writer, readers } => (
                writer.size() + readers.size(),
                writer.num_idle() + readers.num_idle(),
                1 + readers.options().get_max_connections(),
            ),
        }
    }

    /// Closes all connections once their transactions have ended.
    pub async fn close(&self) {
        if let Some(reserved) = &self.reserved {
            reserved.close().await;
        }
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// Connects once, so that a database that cannot be reached is told at once and by its cause: the
/// pool would try again in silence, and say in the end that it took too long.
async fn reach(options: &PgConnectOptions) -> Result<(), StorageError> {
    let connected = tokio::time::timeout(REACH, options.connect()).await;
    let connection = connected.map_err(|_| {
        let late = format!("no connection within {} s", REACH.as_secs());
        sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, late))
    })??;
    Ok(connection.close().await?)
}

/// Connections to `PostgreSQL`, each made sure of ([`Installation`]) and begun with `first`.
fn postgres(most: u32, installation: &Installation, first: &'static str) -> PgPoolOptions {
    let installation = installation.clone();
    let kept = installation.clone();
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |conn: &mut PgConnection, _| {
            let installation = kept.clone();
            Box::pin(async move { installation.check_again(conn).await })
        })
        .after_connect(move |conn: &mut PgConnection, _| {
            let installation = installation.clone();
            Box::pin(async move {
                installation.check(conn).await?;
                if !first.is_empty() {
                    sqlx::query(first).execute(conn).await?;
                }
                Ok(())
            })
        })
}

/// Begins on a connection that works: a server that was restarted has closed all that were kept,
/// and asking each before its use would cost every transaction a round trip.
async fn begin_postgres(
    pool: &PgPool,
    sql: &'static str,
) -> Result<Transaction<'static, Postgres>, StorageError> {
    for _ in 0..pool.options().get_max_connections() {
        match pool.begin_with(sql).await.map_err(StorageError::from) {
            Err(error) if error.is_transient() && !error.is_timeout() => {}
            begun => return begun,
        }
    }
    pool.begin_with(sql).await.map_err(StorageError::from)
}

/// Begins on the writer. `SQLite` undoes a transaction by itself when its disk is full or fails;
/// the driver then goes on believing that it is open, and the connection can begin no other. A new
/// one takes its place.
async fn begin_sqlite(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    const SQL: &str = "BEGIN IMMEDIATE";
    match writer.begin_with(SQL).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {}
        begun => return begun,
    }
    writer.acquire().await?.close().await?;
    writer.begin_with(SQL).await
}

async fn open_sqlite(path: &Path, size: PoolSize) -> Result<Pool, StorageError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(folder).await.map_err(|source| StorageError::Folder {
            folder: folder.display().to_string(),
            source,
        })?;
    }

    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .statement_cache_capacity(256)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8192")
        .optimize_on_close(true, None);

    let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE).test_before_acquire(false);
    let writer = pool().max_connections(1).connect_with(options.clone()).await?;

    let readers = pool()
        .max_connections(size.max.clamp(1, 4))
        .min_connections(1)
        .connect_with(options.create_if_missing(false).pragma("query_only", "on"))
        .await?;

    Ok(Pool::Sqlite { writer, readers })
}
