//! Which processes of the installation are alive: the `processes` table.
//!
//! Whatever a process has taken on (a turn, a send, a job) carries its id. What a process held when
//! its heart stopped is free again: no lease per row has to be renewed however long the work takes.
//!
//! The processes' own clocks may differ. Beats are written and compared by the database's clock,
//! the only place where SQL says `now()`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{channel::ChannelKind, ids::ProcessId};
use uuid::Uuid;

use crate::{Db, StorageError, Tx, installation, tx::Conn};

/// What was taken from processes that are no longer alive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Turns that will be run again.
    pub turns: u64,
    /// The kind of the channel of each send whose outcome is unknown.
    pub sends: Vec<ChannelKind>,
    /// Jobs that will be run again.
    pub jobs: u64,
    /// Calls of models that are accounted for with what they may have cost.
    pub calls: u64,
}

/// Frees what the dead held in a table, for each database: the columns of its key, the column that
/// names the holder, which rows, what becomes of them at `$1`, and what is told of each. On
/// `PostgreSQL` rows that another transaction is changing are passed over.
macro_rules! free {
    ($table:literal, $key:literal, $by:literal, $held:literal, $freed:literal $(; $told:literal)?) => {
        [
            free!(@ $table, $key, $by, $held, $freed, " FOR UPDATE SKIP LOCKED" $(, $told)?),
            free!(@ $table, $key, $by, $held, $freed, "" $(, $told)?),
        ]
    };
    (
        @ $table:literal, $key:literal, $by:literal, $held:literal, $freed:literal, $lock:literal
        $(, $told:literal)?
    ) => {
        concat!(
            // Materialized: PostgreSQL may run a mere subquery once per row, each time locking
            // others.
            "WITH held AS MATERIALIZED (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $held,
            " AND ",
            $by,
            " NOT IN (SELECT id FROM processes)",
            $lock,
            ")
             UPDATE ",
            $table,
            " SET ",
            $freed,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM held)"
            $(, $told)?
        )
    };
}

const FREE_TURNS: [&str; 2] = free!(
    "turns",
    "workspace_id, dialog_id",
    "claimed_by",
    "claimed_by IS NOT NULL",
    "claimed_by = NULL, due_at = $1"
);
const FREE_SENDS: [&str; 2] = free!(
    "outbox",
    "workspace_id, id",
    "claimed_by",
    "status = 'sending' AND claimed_by IS NOT NULL",
    "status = 'uncertain', uncertain = uncertain + 1, claimed_by = NULL, due_at = $1, updated_at = $1";
    " RETURNING (SELECT c.kind FROM channels c
                  WHERE c.workspace_id = outbox.workspace_id AND c.id = outbox.channel_id)"
);
const FREE_JOBS: [&str; 2] = free!(
    "jobs",
    "id",
    "claimed_by",
    "claimed_by IS NOT NULL",
    "status = 'queued', claimed_by = NULL, due_at = $1"
);
// How they ended is not known. They were paid for.
const FREE_CALLS: [&str; 2] = free!(
    "model_calls",
    "workspace_id, id",
    "process_id",
    "process_id IS NOT NULL",
    "outcome = 'lost', estimated = TRUE, process_id = NULL"
);

/// The running processes.
pub struct Processes<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Processes<'_> {
    /// Makes sure, with a beat, that the database is still that of our installation.
    ///
    /// # Errors
    ///
    /// [`StorageError::Foreign`] when it is not; from then on [`Db::turned_foreign`] is done.
    pub async fn check_installation(self, db: &Db) -> Result<(), StorageError> {
        let found = value!(self.tx, Uuid, installation::FIND);
        if db.installation.admits(found) { Ok(()) } else { Err(StorageError::Foreign) }
    }

    /// Says that a process is alive; the first beat registers it. `PostgreSQL` takes the time from
    /// its own clock, because those of the processes may differ; on `SQLite` it is `now`, of the
    /// only process there is.
    pub async fn beat(self, id: ProcessId, now: DateTime<Utc>) -> Result<(), StorageError> {
        const POSTGRES: &str = "
            INSERT INTO processes (id, beat_at) VALUES ($1, COALESCE(clock_timestamp(), $2))
            ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at";
        const SQLITE: &str = "
            INSERT INTO processes (id, beat_at) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at";
        let sql = self.tx.sql(POSTGRES, SQLITE);
        run!(self.tx, sql; id.into_uuid(), now);
        Ok(())
    }

    /// The time by the database's clock; `None` on `SQLite`, which has none of its own.
    pub async fn database_time(self) -> Result<Option<DateTime<Utc>>, StorageError> {
        let time: (DateTime<Utc>,) = on_postgres!(self.tx, None, |conn| {
            sqlx::query_as("SELECT clock_timestamp()").fetch_one(conn)
        });
        Ok(Some(time.0))
    }

    /// How many processes have said within `silence` that they live.
    pub async fn alive(self, silence: Duration, now: DateTime<Utc>) -> Result<i64, StorageError> {
        const POSTGRES: &str = "
            SELECT COUNT(*) FROM processes
             WHERE beat_at >= COALESCE(now(), $1) - make_interval(secs => $2)";
        let count = if let Conn::Postgres(_) = self.tx.conn {
            value!(self.tx, i64, POSTGRES; now, silence.as_secs_f64())
        } else {
            value!(self.tx, i64, "SELECT COUNT(*) FROM processes WHERE beat_at >= $1"; now - silence)
        };
        Ok(count.unwrap_or_default())
    }

    /// Gives back the turns and jobs of a process that stops on purpose: they may be taken on at
    /// once, and the attempt that was cut short does not count.
    pub async fn hand_back(
        self,
        id: ProcessId,
        now: DateTime<Utc>,
    ) -> Result<Reaped, StorageError> {
        const TURNS: &str = "
            UPDATE turns SET claimed_by = NULL, due_at = $2, attempts = attempts - 1
             WHERE claimed_by = $1";
        const JOBS: &str = "
            UPDATE jobs SET status = 'queued', claimed_by = NULL, due_at = $2, attempts = attempts - 1
             WHERE claimed_by = $1";
        let reaped = Reaped {
            turns: run!(self.tx, TURNS; id.into_uuid(), now),
            sends: Vec::new(),
            jobs: run!(self.tx, JOBS; id.into_uuid(), now),
            calls: 0,
        };
        if reaped.turns > 0 {
            self.tx.done.any_turns();
        }
        self.tx.done.jobs |= reaped.jobs > 0;
        Ok(reaped)
    }

    /// Strikes a process off: what it still holds is free from now on.
    pub async fn leave(self, id: ProcessId) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM processes WHERE id = $1"; id.into_uuid());
        Ok(())
    }

    /// Strikes off all processes but one: on a database that only one process can open, the others
    /// are certainly dead.
    pub async fn keep_only(self, id: ProcessId) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM processes WHERE id <> $1"; id.into_uuid());
        Ok(())
    }

    /// Deregisters processes that have been silent for longer than `silence`, and frees what the
    /// dead held: turns and jobs to be run again, sends as `uncertain`, because they may have
    /// reached the channel.
    ///
    /// How long a process was silent is measured by the clock that [`Self::beat`] wrote down. What
    /// another transaction is changing at the moment is left for the next time, so that two
    /// processes that free the same do not wait for each other.
    pub async fn reap(self, silence: Duration, now: DateTime<Utc>) -> Result<Reaped, StorageError> {
        const SILENT: &str = "
            DELETE FROM processes
             WHERE id IN (SELECT id FROM processes WHERE beat_at < now() - make_interval(secs => $1)
                             FOR UPDATE SKIP LOCKED)";

        if let Conn::Postgres(_) = self.tx.conn {
            run!(self.tx, SILENT; silence.as_secs_f64());
        } else {
            run!(self.tx, "DELETE FROM processes WHERE beat_at < $1"; now - silence);
        }

        let turns = self.tx.sql(FREE_TURNS[0], FREE_TURNS[1]);
        let sends = self.tx.sql(FREE_SENDS[0], FREE_SENDS[1]);
        let jobs = self.tx.sql(FREE_JOBS[0], FREE_JOBS[1]);
        let calls = self.tx.sql(FREE_CALLS[0], FREE_CALLS[1]);

        let reaped = Reaped {
            turns: run!(self.tx, turns; now),
            sends: rows!(self.tx, (String,), sends; now)
                .into_iter()
                .map(|(kind,)| kind.parse().map_err(StorageError::corrupt("channels")))
                .collect::<Result<_, _>>()?,
            jobs: run!(self.tx, jobs; now),
            calls: run!(self.tx, calls),
        };

        if reaped.turns > 0 {
            self.tx.done.any_turns();
        }
        self.tx.done.outbox |= !reaped.sends.is_empty();
        self.tx.done.jobs |= reaped.jobs > 0;

        Ok(reaped)
    }
}
