//! Deliveries already taken: the `deliveries` table, which makes a repeat harmless.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::DeliveryKey,
    ids::{ChannelId, WorkspaceId},
};

use crate::{StorageError, Tx};

/// One workspace's deliveries.
pub struct Deliveries<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Deliveries<'_> {
    /// Marks a delivery as taken. `false`: it had been taken before, and changes nothing.
    pub async fn take(
        self,
        channel: ChannelId,
        key: &DeliveryKey,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO deliveries (workspace_id, channel_id, key, received_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING";
        let taken =
            run!(self.tx, SQL; self.workspace.into_uuid(), channel.into_uuid(), key.as_str(), now);
        Ok(taken == 1)
    }
}

/// All deliveries.
pub struct SystemDeliveries<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemDeliveries<'_> {
    /// Forgets deliveries taken before `cutoff`, a batch at a time ([`crate::sweep::BATCH`]). A
    /// repeat after that is taken as something new.
    pub async fn forget(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("deliveries", "received_at < $1");
        Ok(delete_batch!(self.tx, SQL; cutoff))
    }
}
