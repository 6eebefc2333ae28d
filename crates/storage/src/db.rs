//! Opening a database and its transactions.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use replyx_files::Files;
use sqlx::{PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::{
    StorageError,
    installation::{self, Installation},
    postgres,
    refusals::{Refusal, Refusals},
    sqlite::{Sqlite, Sync},
    tx::{Conn, Listener, Tx},
    unit::Units,
};

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
    files: Files,
    pub(crate) units: Units,
    #[cfg(feature = "testing")]
    pub(crate) statements: crate::statements::Statements,
}

#[derive(Clone)]
pub(crate) enum Pool {
    Postgres(PgPool),
    Sqlite(Sqlite),
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
        Self::open_synced(url, size, Sync::Full).await
    }

    /// [`Self::open`], with a choice of what a commit waits for on `SQLite`. On `PostgreSQL` the
    /// server is set up for that (`synchronous_commit`).
    pub async fn open_synced(url: &str, size: PoolSize, sync: Sync) -> Result<Self, StorageError> {
        let installation = Installation::default();
        let (pool, reserved) = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url)?.application_name("replyx");
            postgres::reach(&options).await?;
            let pool =
                postgres::pool(size.max, &installation, "").connect_with(options.clone()).await?;
            let reserved =
                postgres::pool(1, &installation, postgres::FROZEN).connect_lazy_with(options);
            (Pool::Postgres(pool), Some(reserved))
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            (Pool::Sqlite(open_sqlite(path, size, sync).await?), None)
        } else {
            return Err(StorageError::Address);
        };
        Ok(Self {
            pool,
            reserved,
            installation,
            listener: None,
            refusals: Refusals::default(),
            files: Files::in_database(),
            units: Units::default(),
            #[cfg(feature = "testing")]
            statements: crate::statements::Statements::default(),
        })
    }

    /// The same database, whose commits are told to `listener`.
    #[must_use]
    pub fn with_listener(self, listener: Arc<dyn Listener>) -> Self {
        Self {
            listener: Some(listener),
            units: Units::default(),
            #[cfg(feature = "testing")]
            statements: self.statements.of_another_handle(),
            ..self
        }
    }

    /// The same database, whose large files are kept in this store.
    #[must_use]
    pub fn with_files(self, files: Files) -> Self {
        Self { files, units: Units::default(), ..self }
    }

    /// Where large files are kept.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// The kind of database, for logs: `sqlite` or `postgres`.
    pub const fn backend(&self) -> &'static str {
        match self.pool {
            Pool::Postgres(_) => "postgres",
            Pool::Sqlite(_) => "sqlite",
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
        Ok(self.transaction(conn, self.listener.clone()))
    }

    async fn open_transaction(&self) -> Result<Conn, StorageError> {
        Ok(match &self.pool {
            Pool::Postgres(pool) => Conn::Postgres(
                // Said, because a server may be set to another default: a statement that waited for
                // a lock must see what the holder did.
                postgres::begin(pool, "BEGIN ISOLATION LEVEL READ COMMITTED").await?,
            ),
            Pool::Sqlite(sqlite) => Conn::Sqlite(sqlite.begin().await?),
        })
    }

    /// Opens a transaction that may write, on the connection that is kept for what must not wait
    /// while all others are in use: saying that a process lives.
    pub async fn begin_reserved(&self) -> Result<Tx, StorageError> {
        let Some(reserved) = &self.reserved else { return self.begin().await };
        let begun = postgres::begin(reserved, "BEGIN ISOLATION LEVEL READ COMMITTED").await;
        let conn = begun.inspect_err(|error| self.refusals.note(error))?;
        Ok(self.transaction(Conn::Postgres(conn), self.listener.clone()))
    }

    /// Opens a transaction that only reads, and waits for no writer.
    pub async fn read(&self) -> Result<Tx, StorageError> {
        let conn = match &self.pool {
            Pool::Postgres(pool) => Conn::Postgres(
                postgres::begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            ),
            Pool::Sqlite(sqlite) => Conn::Sqlite(sqlite.read().await?),
        };
        Ok(self.transaction(conn, None))
    }

    fn transaction(&self, conn: Conn, listener: Option<Arc<dyn Listener>>) -> Tx {
        let tx = Tx::new(conn, listener, self.refusals.clone());
        #[cfg(feature = "testing")]
        self.statements.note_sent("BEGIN");
        #[cfg(feature = "testing")]
        let tx = tx.noted_by(&self.statements);
        tx
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let mut tx = self.read().await?;
        run!(tx, "SELECT 1");
        Ok(())
    }

    /// Whether a commit on this connection waits until it survives a loss of power, as far as
    /// `PostgreSQL` is set up for that. What `SQLite` waits for is chosen when it is opened.
    pub async fn is_durable(&self) -> Result<bool, StorageError> {
        let Pool::Postgres(_) = &self.pool else { return Ok(true) };
        let mut tx = self.read().await?;
        let waits = value!(tx, String, "SELECT current_setting('synchronous_commit')");
        Ok(waits.is_none_or(|waits| waits != "off"))
    }

    /// Says which installation the database belongs to, and from now on refuses to work on another
    /// one's. A database without an id is given `fresh`.
    pub async fn join_installation(
        &self,
        fresh: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Uuid, StorageError> {
        const INSERT: &str = "
            INSERT INTO installation (name, id, created_at) VALUES ('this', $1, $2)
            ON CONFLICT (name) DO NOTHING";
        let mut tx = self.begin().await?;
        run!(tx, INSERT; fresh, now);
        let found = value!(tx, Uuid, installation::FIND);
        tx.commit().await?;
        let id = found.ok_or(StorageError::RowsAffected { table: "installation", actual: 0 })?;
        Ok(self.installation.join(id))
    }

    /// Waits until the database turns out to be another installation's.
    pub async fn turned_foreign(&self) {
        self.installation.turned_foreign().await;
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
            Pool::Sqlite(sqlite) => sqlite.connections(),
        }
    }

    /// Brings what the database knows of the sizes of its tables up to date, which its choice of
    /// indexes depends on. `PostgreSQL` sees to that by itself.
    pub async fn optimize(&self) -> Result<(), StorageError> {
        match &self.pool {
            Pool::Postgres(_) => Ok(()),
            Pool::Sqlite(sqlite) => Ok(sqlite.optimize().await?),
        }
    }

    /// Closes all connections once their transactions have ended.
    pub async fn close(&self) {
        if let Some(reserved) = &self.reserved {
            reserved.close().await;
        }
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}

async fn open_sqlite(path: &Path, size: PoolSize, sync: Sync) -> Result<Sqlite, StorageError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(folder).await.map_err(|source| StorageError::Folder {
            folder: folder.display().to_string(),
            source,
        })?;
    }
    Ok(Sqlite::open(path, size.max, sync)?)
}
