//! Keeps the schema as it is while a process starts, and keeps processes from starting while the
//! schema is taken back.
//!
//! Each migration has a lock of its own, which ends with it. This one spans several steps: a start
//! brings the schema up to date and then writes its first heartbeat; `migrate down` makes sure that
//! no process lives, asks a person, and then deletes. On `SQLite` the lock on the data folder does
//! this.

use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::{Db, StorageError, db::Pool};

/// The name of the advisory lock.
const NAME: i64 = 0x7265_706c_7978_0001;

/// Who else may hold the schema at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Others who need it as it is.
    Shared,
    /// Nobody.
    Alone,
}

/// The schema, held until this is dropped or released.
#[derive(Debug)]
pub struct SchemaHold {
    /// The lock ends with its connection.
    conn: Option<PgConnection>,
}

impl SchemaHold {
    /// Lets go at once; dropped, it lasts until the database notices.
    pub async fn release(self) -> Result<(), StorageError> {
        match self.conn {
            Some(conn) => Ok(conn.close().await?),
            None => Ok(()),
        }
    }
}

impl Db {
    /// Holds the schema; `None`: somebody holds it in a way that does not allow this.
    pub async fn hold_schema(&self, how: Holding) -> Result<Option<SchemaHold>, StorageError> {
        let Pool::Postgres(pool) = &self.pool else { return Ok(Some(SchemaHold { conn: None })) };
        let sql = match how {
            Holding::Shared => "SELECT pg_try_advisory_lock_shared($1)",
            Holding::Alone => "SELECT pg_try_advisory_lock($1)",
        };
        // A connection of its own: those of a pool are handed on.
        let mut conn = pool.connect_options().connect().await?;
        let held: bool = sqlx::query_scalar(sql).bind(NAME).fetch_one(&mut conn).await?;
        if held {
            return Ok(Some(SchemaHold { conn: Some(conn) }));
        }

        conn.close().await?;
        Ok(None)
    }
}
