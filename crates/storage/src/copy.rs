//! Copies of all tables: read from one snapshot, and written into an empty database of either kind.
//!
//! A value is copied in the form in which `SQLite` stores it (`values.rs`), so a copy does
//! not tell which database it comes from. What is not copied: beats of processes, what has been
//! migrated, and what a database derives from its tables (full text, nearest neighbors).
//!
//! Rows are written as they are: no rule of the ledger is applied to them again, and no trigger
//! runs. All of them are in one transaction.

use chrono::{DateTime, Utc};
use replyx_core::ids::{FileId, WorkspaceId};
use replyx_files::Key;
use sqlx::{AssertSqlSafe, SqlSafeStr};
use uuid::Uuid;

pub use crate::cells::{Cell, Table};
use crate::{Db, StorageError, Tx, cells::quoted, db::Pool, sqlite, tx::Conn};

mod postgres;

/// A file in the store of files that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it is.
    pub key: Key,
    /// The hash of its bytes, in hexadecimal.
    pub content_hash: String,
    /// How many bytes it has.
    pub size: u64,
}

/// Where files are named: the table, and the column that holds the bytes of small ones.
const KEPT: [(&str, &str); 4] = [
    ("document_files", "original"),
    ("document_replacements", "original"),
    ("attachments", "bytes"),
    ("uploads", "bytes"),
];

/// All tables as they were at one moment. Writers are not kept waiting.
#[derive(Debug)]
pub struct Snapshot {
    tx: Tx,
}

impl Db {
    /// Opens a snapshot; it lasts until this is dropped.
    pub async fn snapshot(&self) -> Result<Snapshot, StorageError> {
        Ok(Snapshot { tx: self.read().await? })
    }

    /// Is there no row of the installation yet? A database without tables has none.
    pub async fn is_unused(&self) -> Result<bool, StorageError> {
        let mut snapshot = self.snapshot().await?;
        for table in snapshot.tables().await? {
            let sql = format!("SELECT 1 FROM {} LIMIT 1", quoted(&table.name));
            let sql = AssertSqlSafe(sql).into_sql_str();
            let tx = &mut snapshot.tx;
            let found = async { Ok::<_, StorageError>(rows!(tx, (i32,), sql.clone())) }.await?;
            if !found.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Snapshot {
    /// The numbers of the migrations that made the tables.
    pub async fn migrations(&mut self) -> Result<Vec<i64>, StorageError> {
        const SQL: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let tx = &mut self.tx;
        let found = async { Ok::<_, StorageError>(rows!(tx, (i64,), SQL)) }.await?;
        Ok(found.into_iter().map(|(number,)| number).collect())
    }

    /// The tables that are copied, each after those that its rows refer to.
    pub async fn tables(&mut self) -> Result<Vec<Table>, StorageError> {
        match &mut self.tx.conn {
            Conn::Postgres(tx) => postgres::tables(tx).await,
            Conn::Sqlite(tx) => sqlite::copy::tables(tx.connection()),
        }
    }

    /// Hands every row of a table on, in no order.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or when `each` does.
    pub async fn rows<E: From<StorageError>>(
        &mut self,
        table: &Table,
        each: impl FnMut(&[Cell]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.tx.conn {
            Conn::Postgres(tx) => postgres::rows(tx, table, each).await,
            Conn::Sqlite(tx) => sqlite::copy::rows(tx.connection(), table, each),
        }
    }

    /// The files that rows name. Those of documents that are being deleted are left out.
    pub async fn files(&mut self) -> Result<Vec<NamedFile>, StorageError> {
        const SQL: &str = "
            SELECT f.workspace_id, f.file_id, d.content_hash, d.size FROM document_files f
              JOIN documents d ON d.workspace_id = f.workspace_id AND d.id = f.document_id
             WHERE f.file_id IS NOT NULL AND d.deleted_at IS NULL
            UNION ALL
            SELECT r.workspace_id, r.file_id, r.content_hash, r.size FROM document_replacements r
              JOIN documents d ON d.workspace_id = r.workspace_id AND d.id = r.document_id
             WHERE r.file_id IS NOT NULL AND d.deleted_at IS NULL
            UNION ALL
            SELECT workspace_id, file_id, content_hash, size FROM attachments
             WHERE file_id IS NOT NULL
            UNION ALL
            SELECT workspace_id, file_id, content_hash, size FROM uploads
             WHERE file_id IS NOT NULL";
        let tx = &mut self.tx;
        let found =
            async { Ok::<_, StorageError>(rows!(tx, (Uuid, Uuid, Option<String>, i64), SQL)) }
                .await?;
        let mut files: Vec<NamedFile> = found
            .into_iter()
            .map(|(workspace, file, hash, size)| NamedFile {
                key: Key { workspace: WorkspaceId::from(workspace), file: FileId::from(file) },
                content_hash: hash.unwrap_or_default(),
                size: size.unsigned_abs(),
            })
            .collect();
        files.sort_by_key(|file| file.key);
        // An upload that was sent with several messages is one file.
        files.dedup_by_key(|file| file.key);
        Ok(files)
    }
}

/// Rows on their way into an empty database. Dropping it undoes them.
pub struct Loading(Target);

enum Target {
    Postgres { tx: Box<Tx>, kinds: postgres::Kinds },
    Sqlite(Box<sqlite::copy::Loading>),
}

impl Db {
    /// Begins to load rows. The tables must be there and empty, and nobody else may work on them.
    pub async fn load(&self) -> Result<Loading, StorageError> {
        Ok(Loading(match &self.pool {
            Pool::Postgres(_) => {
                let mut tx = self.begin().await?;
                let kinds = match &mut tx.conn {
                    Conn::Postgres(conn) => postgres::begin(conn).await?,
                    Conn::Sqlite(_) => unreachable!("the pool is of the other kind"),
                };
                Target::Postgres { tx: Box::new(tx), kinds }
            }
            Pool::Sqlite(sqlite) => Target::Sqlite(Box::new(sqlite.load().await?)),
        }))
    }
}

impl Loading {
    /// Writes rows into a table.
    ///
    /// # Errors
    ///
    /// [`StorageError::Copy`] when the database has no such column, or cannot hold a value.
    pub async fn insert(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), StorageError> {
        match &mut self.0 {
            Target::Postgres { tx, kinds } => match &mut tx.conn {
                Conn::Postgres(conn) => postgres::insert(conn, kinds, table, rows).await,
                Conn::Sqlite(_) => unreachable!("the target is of the other kind"),
            },
            Target::Sqlite(loading) => loading.insert(table, rows),
        }
    }

    /// Puts the bytes of a file into the rows that name it, in the place of its name.
    pub async fn inline(&mut self, key: Key, bytes: &[u8]) -> Result<(), StorageError> {
        for (table, column) in KEPT {
            let sql = format!(
                "UPDATE {table} SET {column} = $1, file_id = NULL WHERE workspace_id = $2 AND file_id = $3"
            );
            let ids = [key.workspace.into_uuid(), key.file.into_uuid()];
            match &mut self.0 {
                Target::Postgres { tx, .. } => {
                    let sql = AssertSqlSafe(sql).into_sql_str();
                    let [workspace, file] = ids;
                    let tx = &mut **tx;
                    async { Ok::<_, StorageError>(run!(tx, sql.clone(); bytes, workspace, file)) }
                        .await?;
                }
                Target::Sqlite(loading) => loading.update(&sql, bytes, ids)?,
            }
        }
        Ok(())
    }

    /// Stores a setting beside the rows.
    pub async fn set(
        &mut self,
        name: &str,
        value: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let columns = ["name", "updated_at", "value"].map(str::to_owned).to_vec();
        let table = Table { name: "settings".to_owned(), columns };
        let time = now.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false);
        let row = [name.to_owned(), time, value.to_owned()].map(Cell::Text).to_vec();
        self.insert(&table, &[row]).await
    }

    /// Makes it last, once every row refers to something that is there.
    pub async fn commit(self) -> Result<(), StorageError> {
        match self.0 {
            Target::Postgres { mut tx, kinds } => {
                if let Conn::Postgres(conn) = &mut tx.conn {
                    postgres::finish(conn, &kinds).await?;
                }
                tx.commit().await.map(drop)
            }
            Target::Sqlite(loading) => loading.commit(),
        }
    }
}
