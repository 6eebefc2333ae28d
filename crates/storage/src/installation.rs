//! Which installation a database belongs to: the `installation` table, one row.
//!
//! A database that is dropped and made again under the same address is another one. A process that
//! was started on the first must not take what belongs to the second: each new connection is
//! compared with the id the process began with, and so is each beat.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use replyx_core::mail;
use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Db, StorageError, processes::Processes};

const FIND: &str = "SELECT id FROM installation";

/// What a process knows of its installation. Cheap to clone; clones share it.
#[derive(Clone)]
pub(crate) struct Installation {
    id: Arc<OnceLock<Uuid>>,
    foreign: Arc<watch::Sender<bool>>,
    /// A connection was made to a database without tables: whose it will be is not known.
    empty: Arc<AtomicBool>,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            id: Arc::default(),
            foreign: Arc::new(watch::Sender::new(false)),
            empty: Arc::default(),
        }
    }
}

impl Installation {
    /// Refuses a connection that was made earlier, if it was to a database without tables that has
    /// become another installation's since. `false` closes it.
    pub(crate) async fn check_again(&self, conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
        if self.empty.load(Ordering::Relaxed) {
            self.empty.store(false, Ordering::Relaxed);
            self.check(conn).await?;
        }
        Ok(true)
    }

    /// Refuses a connection to another installation.
    pub(crate) async fn check(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Some(expected) = self.id.get() else { return Ok(()) };
        let found: Option<(Uuid,)> = match sqlx::query_as(FIND).fetch_optional(conn).await {
            // Nothing has been made in it yet, or everything was taken back: `/health` tells of
            // that.
            Err(sqlx::Error::Database(error))
                if error.code().is_some_and(|code| code == "42P01") =>
            {
                self.empty.store(true, Ordering::Relaxed);
                return Ok(());
            }
            found => found?,
        };
        if found == Some((*expected,)) {
            return Ok(());
        }
        self.foreign.send_replace(true);
        Err(sqlx::Error::Configuration(Box::new(StorageError::Foreign)))
    }
}

impl Db {
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
        let found = value!(tx, Uuid, FIND);
        tx.commit().await?;
        let id = found.ok_or(StorageError::RowsAffected { table: "installation", actual: 0 })?;
        Ok(*self.installation.id.get_or_init(|| id))
    }

    /// Waits until the database turns out to be another installation's.
    pub async fn turned_foreign(&self) {
        let mut foreign = self.installation.foreign.subscribe();
        // The sender lives as long as we do.
        let _ = foreign.wait_for(|foreign| *foreign).await;
    }
}

impl Processes<'_> {
    /// Makes sure, with a beat, that the database is still that of our installation.
    ///
    /// # Errors
    ///
    /// [`StorageError::Foreign`] when it is not; from then on [`Db::turned_foreign`] is done.
    pub async fn check_installation(self, db: &Db) -> Result<(), StorageError> {
        let Some(expected) = db.installation.id.get() else { return Ok(()) };
        if value!(self.tx, Uuid, FIND) == Some(*expected) {
            return Ok(());
        }
        db.installation.foreign.send_replace(true);
        Err(StorageError::Foreign)
    }
}

/// Where secrets stand that were sealed with the master secret and cannot be made again.
const SEALED: [&str; 3] = [
    "SELECT 1 FROM telegram_bots WHERE LENGTH(token_sealed) > 0 LIMIT 1",
    "SELECT 1 FROM model_keys LIMIT 1",
    "SELECT 1 FROM users WHERE totp_sealed IS NOT NULL LIMIT 1",
];

/// Letters that wait to be sent are sealed, too.
const LETTERS: &str = "SELECT 1 FROM jobs WHERE kind = $1 LIMIT 1";

impl Db {
    /// Does the database hold secrets that were sealed with the master secret? One without tables
    /// holds none.
    pub async fn holds_sealed(&self) -> Result<bool, StorageError> {
        for sql in SEALED {
            let mut tx = self.read().await?;
            let found = async { Ok(rows!(tx, (i32,), sql)) }.await;
            if is_any(found)? {
                return Ok(true);
            }
        }

        let mut tx = self.read().await?;
        let letters = async { Ok(rows!(tx, (i32,), LETTERS; mail::KIND.name)) }.await;
        is_any(letters)
    }
}

/// Is there a row? A table that is not there has none.
fn is_any(found: Result<Vec<(i32,)>, StorageError>) -> Result<bool, StorageError> {
    match found {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(error @ StorageError::Driver(_)) if error.is_missing_table() => Ok(false),
        Err(error) => Err(error),
    }
}
