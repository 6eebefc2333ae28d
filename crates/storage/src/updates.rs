//! Deliveries already taken: the `updates` table, which makes a repeat harmless.

use chrono::{DateTime, Utc};
use replyx_core::ids::{BotId, WorkspaceId};

use crate::{StorageError, Tx};

/// One workspace's deliveries.
pub struct Updates<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Updates<'_> {
    /// Marks an update as taken. `false`: it had been taken before, and changes nothing.
    pub async fn take(
        self,
        bot: BotId,
        update_id: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO updates (workspace_id, bot_id, update_id, received_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING";
        let taken = run!(self.tx, SQL; self.workspace.into_uuid(), bot.into_uuid(), update_id, now);
        Ok(taken == 1)
    }
}

/// All deliveries.
pub struct SystemUpdates<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemUpdates<'_> {
    /// Forgets updates taken before `cutoff`. Telegram redelivers for 24 hours at most.
    pub async fn forget(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        Ok(run!(self.tx, "DELETE FROM updates WHERE received_at < $1"; cutoff))
    }
}
