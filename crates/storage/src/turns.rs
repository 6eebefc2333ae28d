//! Work of answering: the `turns` table.
//!
//! A dialog has at most one row here, and only while there is something to answer; so it can have
//! at most one turn running, and whatever the customer says in the meantime is answered together by
//! the next.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{DialogId, ProcessId, WorkspaceId},
    ledger::Payment,
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx, fair::Places};

/// A turn that this process has taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimedTurn {
    /// Whose dialog it is.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// How often the turn has been taken on, this time included.
    pub attempts: i64,
    /// The number of the customer's last message at that time.
    pub heard_seq: i64,
    /// What pays for it.
    pub payment: Payment,
    /// What it answers, if the customer already got the fallback text for it.
    pub late: Option<LateQuestion>,
}

/// A question whose customer got the fallback text: it is asked again, and answered late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateQuestion {
    /// The customer's messages after this number are to be answered.
    pub after: i64,
    /// From then on the answer would come too late.
    pub until: DateTime<Utc>,
    /// How often it was asked again without an answer.
    pub tries: u32,
}

/// What becomes of the number of attempts when a turn is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempts {
    /// There is new work: it is counted from the beginning.
    Reset,
    /// The attempt counts.
    Keep,
    /// The attempt does not count: the turn was not to blame.
    Forgive,
}

/// One workspace's turns.
pub struct Turns<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Turns<'_> {
    /// Asks for a turn at `due`. One that is waiting already is put off to `due`, but never beyond
    /// the `latest` of the first request; one that is running is left alone. One that waits to
    /// answer late becomes an ordinary one: the customer has written again.
    pub async fn request(
        self,
        dialog: DialogId,
        due: DateTime<Utc>,
        latest: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        request(self.tx, &[(self.workspace, dialog)], due, latest).await
    }

    /// Finishes a turn that this process has claimed. `false`: another process has it, and nothing
    /// of this attempt may be stored.
    pub async fn finish(self, dialog: DialogId, by: ProcessId) -> Result<bool, StorageError> {
        let finished = finish(self.tx, &[(self.workspace, dialog)], by).await?;
        Ok(finished.len() == 1)
    }

    /// Releases a claimed turn, to be run at `due`. `false`: another process has it.
    pub async fn hand_back(
        self,
        dialog: DialogId,
        by: ProcessId,
        due: DateTime<Utc>,
        attempts: Attempts,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE turns SET claimed_by = NULL, due_at = $4, due_latest = $4,
                   attempts = CASE WHEN $5 = 1 THEN 0 WHEN $5 = 2 THEN attempts - 1 ELSE attempts END,
                   late = CASE WHEN $5 = 1 THEN NULL ELSE late END
             WHERE workspace_id = $1 AND dialog_id = $2 AND claimed_by = $3";
        let attempts = match attempts {
            Attempts::Keep => 0,
            Attempts::Reset => 1,
            Attempts::Forgive => 2_i64,
        };
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), by.into_uuid(), due, attempts);
        self.tx.done.turn((changed == 1).then_some(due));
        Ok(changed == 1)
    }

    /// Releases a claimed turn, to answer late: it is run again at `due`. `false`: another process
    /// has it.
    pub async fn wait(
        self,
        dialog: DialogId,
        by: ProcessId,
        due: DateTime<Utc>,
        late: LateQuestion,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE turns SET claimed_by = NULL, due_at = $4, due_latest = $4, attempts = 0, late = $5
             WHERE workspace_id = $1 AND dialog_id = $2 AND claimed_by = $3";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), by.into_uuid(), due, Json(&late));
        self.tx.done.turn((changed == 1).then_some(due));
        Ok(changed == 1)
    }

    /// Forgets turns that have waited since before `since`: what their customers said is answered
    /// together with what they say next. Returns how many.
    pub async fn forget_waiting(self, since: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: &str = "
            DELETE FROM turns WHERE workspace_id = $1 AND claimed_by IS NULL AND due_latest < $2";
        Ok(run!(self.tx, SQL; self.workspace.into_uuid(), since))
    }

    /// How many turns wait or run.
    pub async fn count(self) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT COUNT(*) FROM turns WHERE workspace_id = $1";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid()).unwrap_or_default())
    }
}

/// Finishes turns that a process has claimed.
const FINISH: [&str; 2] = given!(
    ["in_workspace" "uuid", 2 "dialog" "uuid", 3 "process" "uuid"]
    "DELETE FROM turns
      WHERE (workspace_id, dialog_id) IN (SELECT in_workspace, dialog FROM given)
        AND claimed_by IN (SELECT process FROM given)
     RETURNING dialog_id"
);

/// All turns.
pub struct SystemTurns<'t> {
    pub(crate) tx: &'t mut Tx,
}

macro_rules! claim {
    ($home:ident) => {
        concat!(
            due!(
                $home,
                "turns",
                "workspace_id",
                "dialog_id",
                "claimed_by IS NULL",
                "claimed_by IS NOT NULL"
            ),
            "UPDATE turns SET claimed_by = $1, attempts = attempts + 1
              WHERE (workspace_id, dialog_id) IN (SELECT share, id FROM due)
             RETURNING workspace_id, dialog_id, attempts,
                       (SELECT d.heard_seq FROM dialogs d
                         WHERE d.workspace_id = turns.workspace_id AND d.id = turns.dialog_id),
                       late"
        )
    };
}

/// Takes on turns, for each database.
pub(crate) const CLAIM: [&str; 2] = [claim!(postgres), claim!(sqlite)];

macro_rules! lock_each {
    ($lock:literal) => {
        given!(
            ["in_workspace" "uuid", 2 "dialog" "uuid"]
            concat!(
                "SELECT dialog_id, claimed_by IS NOT NULL FROM turns
                  WHERE (workspace_id, dialog_id) IN (SELECT in_workspace, dialog FROM given)
                  ORDER BY workspace_id, dialog_id",
                $lock
            )
        )
    };
}

async fn request(
    tx: &mut Tx,
    which: &[(WorkspaceId, DialogId)],
    due: DateTime<Utc>,
    latest: DateTime<Utc>,
) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        ["in_workspace" "uuid", 2 "dialog" "uuid", 3 "due" "timestamptz", 4 "latest" "timestamptz"]
        "INSERT INTO turns (workspace_id, dialog_id, due_at, due_latest)
         SELECT in_workspace, dialog, due, latest FROM given WHERE TRUE
         ON CONFLICT (workspace_id, dialog_id) DO UPDATE
            SET due_at = CASE WHEN turns.late IS NOT NULL OR excluded.due_at < turns.due_latest
                              THEN excluded.due_at ELSE turns.due_latest END,
                due_latest = CASE WHEN turns.late IS NOT NULL
                                  THEN excluded.due_latest ELSE turns.due_latest END,
                attempts = 0, late = NULL
          WHERE turns.claimed_by IS NULL AND (turns.attempts = 0 OR turns.late IS NOT NULL)
         RETURNING due_at"
    );

    let due = rows_each!(tx, (DateTime<Utc>,), SQL, which; |row|
        row.0.into_uuid(), row.1.into_uuid(), due, latest);
    for (due,) in due {
        tx.done.turn(Some(due));
    }
    Ok(())
}

async fn finish(
    tx: &mut Tx,
    which: &[(WorkspaceId, DialogId)],
    by: ProcessId,
) -> Result<Vec<DialogId>, StorageError> {
    let finished = rows_each!(tx, (Uuid,), FINISH, which; |row|
        row.0.into_uuid(), row.1.into_uuid(), by.into_uuid());
    Ok(finished.into_iter().map(|(dialog,)| dialog.into()).collect())
}

impl SystemTurns<'_> {
    /// Asks for turns of different dialogs, each as [`Turns::request`] does.
    pub async fn request_each(
        self,
        which: &[(WorkspaceId, DialogId)],
        due: DateTime<Utc>,
        latest: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        request(self.tx, which, due, latest).await
    }

    /// Finishes turns that a process has claimed, and returns the dialogs of which it had: of the
    /// others nothing of the attempt may be stored.
    pub async fn finish_each(
        self,
        which: &[(WorkspaceId, DialogId)],
        by: ProcessId,
    ) -> Result<Vec<DialogId>, StorageError> {
        finish(self.tx, which, by).await
    }

    /// Takes on turns that are due: the workspaces in turns (see [`crate::fair`]), of each the
    /// longest waiting first. Each goes to one process. Those of a suspended workspace wait until
    /// it is resumed.
    pub async fn claim(
        self,
        by: ProcessId,
        now: DateTime<Utc>,
        places: Places,
    ) -> Result<Vec<ClaimedTurn>, StorageError> {
        let sql = self.tx.sql(CLAIM[0], CLAIM[1]);
        let rows = rows!(self.tx, (Uuid, Uuid, i64, i64, Option<Json<LateQuestion>>), sql;
            by.into_uuid(), now, i64::from(places.free), i64::from(places.each),
            places.round.last());
        Ok(rows
            .into_iter()
            .map(|(workspace, dialog, attempts, heard_seq, late)| ClaimedTurn {
                workspace_id: workspace.into(),
                dialog_id: dialog.into(),
                attempts,
                heard_seq,
                late: late.map(|Json(late)| late),
                payment: Payment::Free,
            })
            .collect())
    }

    /// Locks the turns of dialogs; says of each whether a process runs it. A dialog without a turn
    /// is left out.
    pub async fn lock_each(
        self,
        which: &[(WorkspaceId, DialogId)],
    ) -> Result<Vec<(DialogId, bool)>, StorageError> {
        const LOCKED: [&str; 2] = lock_each!(" FOR NO KEY UPDATE");
        // A writing transaction already holds all of SQLite.
        const HELD: [&str; 2] = lock_each!("");
        let rows = rows_each!(self.tx, (Uuid, bool), [LOCKED[0], HELD[1]], which; |row|
            row.0.into_uuid(), row.1.into_uuid());
        Ok(rows.into_iter().map(|(dialog, runs)| (dialog.into(), runs)).collect())
    }

    /// When waiting turns are due: the first `limit` of them, in order.
    pub async fn due(self, limit: u32) -> Result<Vec<DateTime<Utc>>, StorageError> {
        const SQL: &str = "SELECT due_at FROM turns
              WHERE claimed_by IS NULL
                AND workspace_id NOT IN (SELECT id FROM workspaces WHERE suspended_at IS NOT NULL)
              ORDER BY due_at LIMIT $1";
        let rows = rows!(self.tx, (DateTime<Utc>,), SQL; i64::from(limit));
        Ok(rows.into_iter().map(|(due,)| due).collect())
    }
}
