//! Which installation a database belongs to: the `installation` table, one row.
//!
//! A database that is dropped and made again under the same address is another one. A process that
//! was started on the first must not take what belongs to the second: each new connection is
//! compared with the id the process began with, and so is each beat.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use crate::StorageError;

/// The id of the installation that a database belongs to.
pub(crate) const FIND: &str = "SELECT id FROM installation";

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
    /// The id that the process began with; `found` from now on, if it has none.
    pub(crate) fn join(&self, found: Uuid) -> Uuid {
        *self.id.get_or_init(|| found)
    }

    /// Whether the database may still be ours: not if it was found to have another id than the one
    /// the process began with.
    pub(crate) fn admits(&self, found: Option<Uuid>) -> bool {
        let admitted = self.id.get().is_none_or(|expected| found == Some(*expected));
        if !admitted {
            self.foreign.send_replace(true);
        }
        admitted
    }

    /// Waits until the database turns out to be another installation's.
    pub(crate) async fn turned_foreign(&self) {
        let mut foreign = self.foreign.subscribe();
        // The sender lives as long as we do.
        let _ = foreign.wait_for(|foreign| *foreign).await;
    }

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
        if self.id.get().is_none() {
            return Ok(());
        }
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
        if self.admits(found.map(|(id,)| id)) {
            return Ok(());
        }
        Err(sqlx::Error::Configuration(Box::new(StorageError::Foreign)))
    }
}
