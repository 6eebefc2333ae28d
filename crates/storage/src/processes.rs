//! Which processes of the installation are alive: the `processes` table.
//!
//! Whatever a process has taken on (a turn, a send, a job) carries its id. What a process held when its
//! heart stopped is free again: no lease per row has to be renewed however long the work takes.

use chrono::{DateTime, Utc};
use replyx_core::ids::ProcessId;

use crate::{StorageError, Tx};

/// What was taken from processes that are no longer alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Turns that will be run again.
    pub turns: u64,
    /// Sends whose outcome is unknown.
    pub sends: u64,
    /// Jobs that will be run again.
    pub jobs: u64,
}

/// The running processes.
pub struct Processes<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Processes<'_> {
    /// Says that a process is alive at `now`; the first beat registers it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn beat(self, id: ProcessId, now: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO processes (id, beat_at) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at";
        run!(self.tx, SQL; id.into_uuid(), now);
        Ok(())
    }

    /// Strikes a process off: what it still holds is free from now on.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn leave(self, id: ProcessId) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM processes WHERE id = $1"; id.into_uuid());
        Ok(())
    }

    /// Strikes off all processes but one: on a database that only one process can open, the others are
    /// certainly dead.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn keep_only(self, id: ProcessId) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM processes WHERE id <> $1"; id.into_uuid());
        Ok(())
    }

    /// Strikes off processes not heard of since `cutoff`, and frees what the dead held: turns and jobs to
    /// be run again, sends as `uncertain`, because they may have reached the channel.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn reap(
        self,
        cutoff: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Reaped, StorageError> {
        const TURNS: &str = "
            UPDATE turns SET claimed_by = NULL, due_at = $1
             WHERE claimed_by IS NOT NULL AND claimed_by NOT IN (SELECT id FROM processes)";
        const SENDS: &str = "
            UPDATE outbox SET status = 'uncertain', uncertain = uncertain + 1, claimed_by = NULL,
                   due_at = $1, updated_at = $1
             WHERE status = 'sending' AND claimed_by NOT IN (SELECT id FROM processes)";
        const JOBS: &str = "
            UPDATE jobs SET status = 'queued', claimed_by = NULL, due_at = $1
             WHERE claimed_by IS NOT NULL AND claimed_by NOT IN (SELECT id FROM processes)";
        run!(self.tx, "DELETE FROM processes WHERE beat_at < $1"; cutoff);
        let reaped = Reaped {
            turns: run!(self.tx, TURNS; now),
            sends: run!(self.tx, SENDS; now),
            jobs: run!(self.tx, JOBS; now),
        };
        self.tx.done.turns |= reaped.turns > 0;
        self.tx.done.outbox |= reaped.sends > 0;
        self.tx.done.jobs |= reaped.jobs > 0;
        Ok(reaped)
    }
}
