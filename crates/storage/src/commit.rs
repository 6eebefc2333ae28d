//! The end of a transaction: its events get their numbers, its acts enter the audit logs.

use crate::{Committed, StorageError, Tx, audit, events};

impl Tx {
    /// Commits the transaction.
    ///
    /// # Errors
    ///
    /// Fails when a statement of the transaction did; then nothing was changed, as far as can be
    /// known.
    pub async fn commit(mut self) -> Result<Committed, StorageError> {
        if self.failed {
            return Err(StorageError::Undone);
        }
        let mut pending = self.take_pending();

        // Always in one order, so that two transactions do not wait for each other's heads:
        // workspaces by their ids, the platform last.
        pending.acts.sort_by_key(|(log, _)| (log.is_none(), *log));
        for (log, act) in pending.acts {
            audit::append(&mut self, log, &act).await?;
        }

        self.done.events = events::append(&mut self, &pending.events).await?;
        self.end().await
    }
}
