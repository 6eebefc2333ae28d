//! Replies that the process that settles them sends at once.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::Outbound,
    ids::{OutboxId, ProcessId},
};
use sqlx::types::Json;
use uuid::Uuid;

use super::{NewParts, SystemOutbox};
use crate::StorageError;

impl SystemOutbox<'_> {
    /// Queues the parts of replies, each in another chat, the first part of each as claimed by
    /// `by`, who sends it at once. The caller holds the locks of the dialogs. Returns these first
    /// parts; where one is missing something is unfinished in the chat, and all parts of the reply
    /// wait behind it.
    pub async fn hand_over(
        self,
        replies: &[NewParts<'_>],
        by: ProcessId,
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxId>, StorageError> {
        // What is unfinished and the next position are read in one look: a reply of another dialog
        // of the same chat that comes in between takes the position, and this one waits behind it.
        const SQL: [&str; 2] = given!(
            [
                "workspace_id" "uuid", 2 "id" "uuid", 3 "channel_id" "uuid", 4 "contact_id" "uuid",
                5 "address" "text", 6 "chat_kind" "text", 7 "dialog_id" "uuid",
                8 "message_id" "uuid", 9 "parts" "bigint", 10 "content" "jsonb",
                11 "moment" "timestamptz", 12 "sender" "uuid",
            ]
            "INSERT INTO outbox (workspace_id, id, channel_id, contact_id, address, chat_kind, dialog_id,
                                 message_id, position, part, parts, content, status, due_at,
                                 created_at, updated_at, attempts, claimed_by)
             SELECT workspace_id, id, channel_id, contact_id, address, chat_kind, dialog_id, message_id,
                    (SELECT COALESCE(MAX(o.position), 0) + 1 FROM outbox o
                      WHERE o.workspace_id = given.workspace_id AND o.channel_id = given.channel_id
                        AND o.address = given.address),
                    1, parts, content, 'sending', moment, moment, moment, 1, sender
               FROM given
              WHERE NOT EXISTS (
                    SELECT 1 FROM outbox o
                     WHERE o.workspace_id = given.workspace_id AND o.channel_id = given.channel_id
                       AND o.address = given.address
                       AND o.status IN ('queued', 'sending', 'uncertain'))
             ON CONFLICT (workspace_id, channel_id, address, position) DO NOTHING
             RETURNING id"
        );
        let firsts: Vec<(&NewParts<'_>, OutboxId, &Outbound)> = replies
            .iter()
            .filter_map(|reply| reply.parts.first().map(|(id, content)| (reply, *id, content)))
            .collect();
        let handed = rows_each!(self.tx, (Uuid,), SQL, &firsts; |row|
            row.0.dialog.workspace_id.into_uuid(), row.1.into_uuid(),
            row.0.contact.channel_id.into_uuid(), row.0.contact.id.into_uuid(),
            row.0.contact.address.as_str(), row.0.contact.chat_kind.as_str(),
            row.0.dialog.id.into_uuid(), row.0.message.into_uuid(),
            i64::try_from(row.0.parts.len()).unwrap_or(i64::MAX), Json(row.2), now,
            by.into_uuid());
        let handed: Vec<OutboxId> = handed.into_iter().map(|(id,)| id.into()).collect();

        for (reply, first, _) in firsts {
            let is_ours = handed.contains(&first);
            // Behind a part that is ours nobody is woken: they wait for it.
            self.tx.done.outbox |= !is_ours;
            let mut outbox = self.tx.workspace(reply.dialog.workspace_id).outbox();
            outbox.queue(*reply, usize::from(is_ours), now).await?;
        }
        Ok(handed)
    }
}
