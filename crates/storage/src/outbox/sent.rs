//! Parts that the channel took.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::MessageRef,
    ids::{OutboxId, ProcessId, WorkspaceId},
};
use uuid::Uuid;

use super::SystemOutbox;
use crate::StorageError;

/// A part that the channel took.
#[derive(Clone, Copy, Debug)]
pub struct SentPart<'a> {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The part.
    pub id: OutboxId,
    /// The channel's name of it, if it gives one.
    pub channel_message: Option<&'a MessageRef>,
}

impl SystemOutbox<'_> {
    /// Writes that channels took these parts, also those that were deleted while they were being
    /// sent. Returns those whose rows were still ours to write.
    pub async fn sent(
        self,
        parts: &[SentPart<'_>],
        by: ProcessId,
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxId>, StorageError> {
        const SQL: [&str; 2] = given!(
            [
                "in_workspace" "uuid", 2 "part_id" "uuid", 3 "sender" "uuid", 4 "name" "text",
                5 "moment" "timestamptz",
            ]
            "UPDATE outbox SET status = 'sent', claimed_by = NULL, channel_message = given.name,
                    error = NULL, updated_at = given.moment,
                    uncertain = outbox.uncertain
                              - CASE WHEN outbox.status = 'failed' THEN 1 ELSE 0 END
               FROM given
              WHERE outbox.workspace_id = given.in_workspace AND outbox.id = given.part_id
                AND outbox.claimed_by = given.sender AND outbox.status IN ('sending', 'failed')
             RETURNING outbox.id, EXISTS (
                 SELECT 1 FROM outbox p
                  WHERE p.workspace_id = outbox.workspace_id AND p.channel_id = outbox.channel_id
                    AND p.address = outbox.address AND p.position > outbox.position
                    AND p.status IN ('queued', 'sending', 'uncertain'))"
        );
        let sent = rows_each!(self.tx, (Uuid, bool), SQL, parts; |part|
            part.workspace_id.into_uuid(), part.id.into_uuid(), by.into_uuid(),
            part.channel_message.map(MessageRef::as_str), now);
        // Whatever waits behind one of them in its chat may go now.
        self.tx.done.outbox |= sent.iter().any(|(_, has_more)| *has_more);
        Ok(sent.into_iter().map(|(id, _)| id.into()).collect())
    }
}
