//! How much work there is in the whole installation, and since when it waits.

use chrono::{DateTime, Utc};

use crate::{StorageError, Tx};

/// Work of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// `turns`, `deliveries`, or `jobs` with their lane, such as `jobs.light`.
    pub queue: String,
    /// How many are due and wait.
    pub waiting: i64,
    /// How many are being worked on.
    pub running: i64,
    /// How many were given up.
    pub dead: i64,
    /// Since when the oldest that waits has been due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

/// What waits, and how many processes there are.
pub struct SystemLoad<'t> {
    pub(crate) tx: &'t mut Tx,
}

type Row = (String, i64, i64, i64, Option<DateTime<Utc>>);

impl SystemLoad<'_> {
    /// Counts what is due in every queue.
    pub async fn queues(self, now: DateTime<Utc>) -> Result<Vec<Waiting>, StorageError> {
        const TURNS: &str = "
            SELECT 'turns',
                   COALESCE(SUM(CASE WHEN claimed_by IS NULL AND due_at <= $1 THEN 1 ELSE 0 END), 0),
                   COALESCE(SUM(CASE WHEN claimed_by IS NOT NULL THEN 1 ELSE 0 END), 0),
                   CAST(0 AS BIGINT),
                   MIN(CASE WHEN claimed_by IS NULL AND due_at <= $1 THEN due_at END)
              FROM turns";

        const PARTS: &str = "
            SELECT 'deliveries',
                   COALESCE(SUM(CASE WHEN status <> 'sending' AND due_at <= $1 THEN 1 ELSE 0 END), 0),
                   COALESCE(SUM(CASE WHEN status = 'sending' THEN 1 ELSE 0 END), 0),
                   CAST(0 AS BIGINT),
                   MIN(CASE WHEN status <> 'sending' AND due_at <= $1 THEN due_at END)
              FROM outbox WHERE status IN ('queued', 'sending', 'uncertain')";

        const JOBS: &str = "
            SELECT 'jobs.' || lane,
                   SUM(CASE WHEN status = 'queued' AND due_at <= $1 THEN 1 ELSE 0 END),
                   SUM(CASE WHEN status = 'running' THEN 1 ELSE 0 END),
                   SUM(CASE WHEN status = 'dead' THEN 1 ELSE 0 END),
                   MIN(CASE WHEN status = 'queued' AND due_at <= $1 THEN due_at END)
              FROM jobs GROUP BY lane ORDER BY lane";

        let mut rows = rows!(self.tx, Row, TURNS; now);
        rows.extend(rows!(self.tx, Row, PARTS; now));
        rows.extend(rows!(self.tx, Row, JOBS; now));

        let queues = rows.into_iter().map(|(queue, waiting, running, dead, oldest_due_at)| {
            Waiting { queue, waiting, running, dead, oldest_due_at }
        });
        Ok(queues.collect())
    }
}
