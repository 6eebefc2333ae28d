//! How far the parts of a reply are, and what becomes of those that must not be sent any more.

use chrono::{DateTime, Utc};
use replyx_core::{
    dialog::{Contact, Dialog},
    ids::{MessageId, OutboxId},
    message::PartStatus,
};
use uuid::Uuid;

use super::Outbox;
use crate::StorageError;

/// How far a part of a reply is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartState {
    /// Its number among the parts, from 1.
    pub part: i64,
    /// How far it is.
    pub status: PartStatus,
    /// How often it has been claimed for sending.
    pub attempts: i64,
    /// How often the outcome of a send could not be known.
    pub uncertain: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When that was.
    pub updated_at: DateTime<Utc>,
}

#[derive(crate::FromRow)]
struct PartRow {
    part: i64,
    status: String,
    attempts: i64,
    uncertain: i64,
    error: Option<String>,
    updated_at: DateTime<Utc>,
}

impl Outbox<'_> {
    /// Cancels what of the assistant's replies, and of what the program says itself, in a dialog
    /// has not been claimed for sending. What has been is not sent again, should its send fail.
    /// Returns the replies that are not sent as a whole any more. The caller holds the locks of the
    /// contact and the dialog.
    pub async fn cancel(
        self,
        dialog: &Dialog,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Vec<MessageId>, StorageError> {
        const SQL: &str = "
            UPDATE outbox SET revoked = TRUE, updated_at = $5,
                   status = CASE WHEN status = 'sending' THEN status ELSE 'canceled' END
             WHERE workspace_id = $1 AND channel_id = $2 AND address = $3 AND dialog_id = $4
               AND status IN ('queued', 'sending', 'uncertain')
               AND EXISTS (SELECT 1 FROM messages m
                            WHERE m.workspace_id = outbox.workspace_id AND m.id = outbox.message_id
                              AND m.author IN ('assistant', 'system'))
            RETURNING message_id, status";

        let parts = rows!(self.tx, (Uuid, String), SQL;
            self.workspace.into_uuid(), contact.channel_id.into_uuid(), contact.address.as_str(),
            dialog.id.into_uuid(), now);
        let canceled = parts.into_iter().filter(|(_, status)| status == "canceled");
        let mut messages: Vec<Uuid> = canceled.map(|(message, _)| message).collect();
        messages.sort_unstable();
        messages.dedup();

        self.tx.done.outbox |= !messages.is_empty();
        Ok(messages.into_iter().map(MessageId::from).collect())
    }

    /// Was what is left of a reply canceled before this part of it came to an end?
    pub async fn is_canceled_beside(
        self,
        message: MessageId,
        part: OutboxId,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT id FROM outbox
             WHERE workspace_id = $1 AND message_id = $2 AND id <> $3 AND status = 'canceled'
             LIMIT 1";
        let found = value!(self.tx, Uuid, SQL;
            self.workspace.into_uuid(), message.into_uuid(), part.into_uuid());
        Ok(found.is_some())
    }

    /// Queues what failed of a reply again, as if it had never been tried. Returns how many parts.
    pub async fn retry(self, message: MessageId, now: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: &str = "
            UPDATE outbox SET status = 'queued', attempts = 0, due_at = $3, updated_at = $3
             WHERE workspace_id = $1 AND message_id = $2 AND status = 'failed' AND NOT revoked";
        let retried = run!(self.tx, SQL; self.workspace.into_uuid(), message.into_uuid(), now);
        self.tx.done.outbox |= retried > 0;
        Ok(retried)
    }

    /// The parts of a reply, in order.
    pub async fn parts(self, message: MessageId) -> Result<Vec<PartState>, StorageError> {
        const SQL: &str = "
            SELECT part, status, attempts, uncertain, error, updated_at FROM outbox
             WHERE workspace_id = $1 AND message_id = $2 ORDER BY part";
        let rows = rows!(self.tx, PartRow, SQL; self.workspace.into_uuid(), message.into_uuid());
        let read = |row: PartRow| {
            Ok(PartState {
                part: row.part,
                status: row.status.parse().map_err(StorageError::corrupt("outbox"))?,
                attempts: row.attempts,
                uncertain: row.uncertain,
                error: row.error,
                updated_at: row.updated_at,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
