//! Deliveries already taken: the `deliveries` table, which makes a repeat harmless.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::DeliveryKey,
    ids::{ChannelId, WorkspaceId},
};

use uuid::Uuid;

use crate::{StorageError, Tx, stored::clean};

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
        let taken = take(self.tx, &[(self.workspace, channel, key)], now).await?;
        Ok(taken == [true])
    }
}

/// Marks deliveries as taken, and says of each whether it had not been taken before. Of one that is
/// there twice the first is taken.
async fn take(
    tx: &mut Tx,
    which: &[(WorkspaceId, ChannelId, &DeliveryKey)],
    now: DateTime<Utc>,
) -> Result<Vec<bool>, StorageError> {
    const SQL: [&str; 2] = given!(
        ["workspace_id" "uuid", 2 "channel_id" "uuid", 3 "key" "text", 4 "received_at" "timestamptz"]
        "INSERT INTO deliveries (workspace_id, channel_id, key, received_at)
         SELECT workspace_id, channel_id, key, received_at FROM given WHERE TRUE
         ON CONFLICT DO NOTHING
         RETURNING channel_id, key"
    );
    let taken = rows_each!(tx, (Uuid, String), SQL, which; |row|
        row.0.into_uuid(), row.1.into_uuid(), row.2.as_str(), now);
    let mut taken: HashSet<(Uuid, String)> = taken.into_iter().collect();
    let is_taken = |(_, channel, key): &(WorkspaceId, ChannelId, &DeliveryKey)| {
        taken.remove(&(channel.into_uuid(), clean(key.as_str()).into_owned()))
    };
    Ok(which.iter().map(is_taken).collect())
}

/// All deliveries.
pub struct SystemDeliveries<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemDeliveries<'_> {
    /// Marks deliveries as taken, and says of each whether it had not been taken before. Of one
    /// that is there twice the first is taken.
    pub async fn take_each(
        self,
        which: &[(WorkspaceId, ChannelId, &DeliveryKey)],
        now: DateTime<Utc>,
    ) -> Result<Vec<bool>, StorageError> {
        take(self.tx, which, now).await
    }

    /// Forgets deliveries taken before `cutoff`, a batch at a time ([`crate::sweep::BATCH`]). A
    /// repeat after that is taken as something new.
    pub async fn forget(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("deliveries", "received_at < $1");
        Ok(delete_batch!(self.tx, SQL; cutoff))
    }
}
