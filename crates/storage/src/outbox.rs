//! Replies on their way: the `outbox` table.
//!
//! A row is written in the transaction that stores its reply, and leaves in the order of `position`
//! within its chat. Before a send it is claimed as `sending`, after it its outcome is written; a
//! row found `sending` without a living process behind it is `uncertain`: it may have been sent.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{Address, ChannelKind, ChatKind, MessageRef, Outbound},
    dialog::{Contact, Dialog},
    ids::{ChannelId, ContactId, DialogId, MessageId, OutboxId, ProcessId, WorkspaceId},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

mod hand_over;
mod parts;
mod sent;
mod states;

pub use parts::NewParts;
pub use sent::SentPart;
pub use states::PartState;

/// How often a part looks for a free position: each time one was lost, another transaction won it.
const POSITION_TRIES: usize = 32;

/// A part of a reply that may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sendable {
    /// Identity.
    pub id: OutboxId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The channel it runs through.
    pub channel_id: ChannelId,
    /// The kind of that channel.
    pub channel_kind: ChannelKind,
    /// To whom.
    pub contact_id: ContactId,
    /// The link.
    pub address: Address,
    /// What kind of chat that is.
    pub chat_kind: ChatKind,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The reply it is a part of.
    pub message_id: MessageId,
    /// Its number among the parts, from 1.
    pub part: i64,
    /// How many parts there are.
    pub parts: i64,
    /// What to send.
    pub content: Outbound,
    /// How often it has been claimed before.
    pub attempts: i64,
    /// How often the outcome of a send could not be known.
    pub uncertain: i64,
    /// Control changed before it was sent: it must not be sent any more.
    pub revoked: bool,
    /// The channel's secret, sealed for the channel's id, if its network wants one.
    pub secret_sealed: Option<Vec<u8>>,
}

#[derive(crate::FromRow)]
struct Row {
    id: Uuid,
    workspace_id: Uuid,
    channel_id: Uuid,
    channel_kind: String,
    contact_id: Uuid,
    address: String,
    chat_kind: String,
    dialog_id: Uuid,
    message_id: Uuid,
    part: i64,
    parts: i64,
    content: Json<Outbound>,
    attempts: i64,
    uncertain: i64,
    revoked: bool,
    secret_sealed: Option<Vec<u8>>,
}

/// One workspace's outbox.
pub struct Outbox<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Outbox<'_> {
    /// Queues the parts of a reply behind whatever is on its way to the same chat. The caller holds
    /// the dialog's lock.
    pub async fn enqueue(
        mut self,
        dialog: &Dialog,
        contact: &Contact,
        message: MessageId,
        parts: &[(OutboxId, Outbound)],
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.tx.done.outbox |= !parts.is_empty();
        self.queue(NewParts { dialog, contact, message, parts }, 0, now).await
    }

    /// Queues the parts after the first `gone`.
    async fn queue(
        &mut self,
        reply: NewParts<'_>,
        gone: usize,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO outbox (workspace_id, id, channel_id, contact_id, address, chat_kind, dialog_id,
                                message_id, position, part, parts, content, status, due_at,
                                created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
                    (SELECT COALESCE(MAX(position), 0) + 1 FROM outbox
                      WHERE workspace_id = $1 AND channel_id = $3 AND address = $5),
                    $9, $10, $11, 'queued', $12, $12, $12)
            ON CONFLICT (workspace_id, channel_id, address, position) DO NOTHING";
        let NewParts { dialog, contact, message, parts } = reply;
        let count = i64::try_from(parts.len()).unwrap_or(i64::MAX);
        for ((id, content), part) in parts.iter().zip(1_i64..).skip(gone) {
            // Another dialog of the same chat may take the position first: then the statement waits
            // for that transaction, does nothing, and finds the next position when it is run again.
            let mut queued = 0;
            for _ in 0..POSITION_TRIES {
                queued = run!(self.tx, SQL;
                    self.workspace.into_uuid(), id.into_uuid(), contact.channel_id.into_uuid(),
                    contact.id.into_uuid(), contact.address.as_str(), contact.chat_kind.as_str(),
                    dialog.id.into_uuid(), message.into_uuid(), part, count, Json(content), now);
                if queued == 1 {
                    break;
                }
            }
            StorageError::expect_one_row("outbox", queued)?;
        }
        Ok(())
    }

    /// Writes that the channel took a part, also when it was deleted while it was being sent.
    /// `false`: the row was no longer ours to write.
    pub async fn sent(
        self,
        id: OutboxId,
        by: ProcessId,
        channel_message: Option<&MessageRef>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let part = SentPart { workspace_id: self.workspace, id, channel_message };
        let sent = SystemOutbox { tx: self.tx }.sent(&[part], by, now).await?;
        Ok(!sent.is_empty())
    }

    /// Puts a part back to be sent at `due`; `uncertain` when it may have been sent already. Done
    /// again, because nobody knows whether it was stored, it leaves a newer claim alone.
    pub async fn put_back(
        self,
        send: &Sendable,
        by: ProcessId,
        due: DateTime<Utc>,
        error: &str,
        uncertain: bool,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE outbox SET status = CASE WHEN $6 = 1 THEN 'uncertain' ELSE 'queued' END,
                   uncertain = uncertain + $6, claimed_by = NULL, due_at = $4, error = $5,
                   updated_at = $4
             WHERE workspace_id = $1 AND id = $2 AND claimed_by = $3 AND status = 'sending'
               AND attempts = $7";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), send.id.into_uuid(), by.into_uuid(), due, error,
            i64::from(uncertain), send.attempts + 1);
        self.tx.done.outbox |= changed == 1;
        Ok(())
    }

    /// Whether a part has followed its chat to another address before.
    pub async fn has_followed(self, id: OutboxId) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT id FROM outbox
             WHERE workspace_id = $1 AND id = $2 AND former_address IS NOT NULL";
        let found = value!(self.tx, Uuid, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(found.is_some())
    }

    /// Lets what is on its way to a chat follow it to its new address, behind what is on its way
    /// there already, and in the order it had.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when something was queued there at the same time.
    pub async fn follow(
        self,
        channel: ChannelId,
        from: &Address,
        to: &Address,
        contact: Option<ContactId>,
    ) -> Result<(), StorageError> {
        const LAST: &str = "
            SELECT COALESCE(MAX(position), 0) FROM outbox
             WHERE workspace_id = $1 AND channel_id = $2 AND address = $3";
        const SQL: &str = "
            UPDATE outbox SET address = $4, former_address = address, position = position + $5,
                   contact_id = COALESCE($6, contact_id)
             WHERE workspace_id = $1 AND channel_id = $2 AND address = $3
               AND status IN ('queued', 'sending', 'uncertain')";
        let workspace = self.workspace.into_uuid();
        let last = value!(self.tx, i64, LAST; workspace, channel.into_uuid(), to.as_str())
            .unwrap_or_default();
        let contact = contact.map(ContactId::into_uuid);
        let moved = run!(self.tx, SQL;
            workspace, channel.into_uuid(), from.as_str(), to.as_str(), last, contact);
        self.tx.done.outbox |= moved > 0;
        Ok(())
    }

    /// Gives up on a part and on those behind it in the same reply. `false`: the row was no longer
    /// ours.
    pub async fn failed(
        self,
        send: &Sendable,
        by: ProcessId,
        error: &str,
        uncertain: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const THIS: &str = "
            UPDATE outbox SET status = 'failed', uncertain = uncertain + $6, claimed_by = NULL,
                   error = $4, updated_at = $5
             WHERE workspace_id = $1 AND id = $2 AND claimed_by = $3 AND status = 'sending'
               AND attempts = $7";
        const REST: &str = "
            UPDATE outbox SET status = 'failed', error = $3, updated_at = $4
             WHERE workspace_id = $1 AND message_id = $2 AND status IN ('queued', 'uncertain')";

        let workspace = self.workspace.into_uuid();
        let changed = run!(self.tx, THIS;
            workspace, send.id.into_uuid(), by.into_uuid(), error, now, i64::from(uncertain),
            send.attempts + 1);
        if changed == 1 {
            run!(self.tx, REST; workspace, send.message_id.into_uuid(), error, now);
        }
        self.tx.done.outbox |= changed == 1;
        Ok(changed == 1)
    }

    /// How often the outcome of a send of this reply could not be known.
    pub async fn uncertain(self, message: MessageId) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT CAST(COALESCE(SUM(uncertain), 0) AS BIGINT) FROM outbox
             WHERE workspace_id = $1 AND message_id = $2";
        let sum = value!(self.tx, i64, SQL; self.workspace.into_uuid(), message.into_uuid());
        Ok(sum.unwrap_or_default())
    }
}

/// All replies on their way.
pub struct SystemOutbox<'t> {
    pub(crate) tx: &'t mut Tx,
}

/// The ids of the parts of `shares.share` that may be sent, the longest waiting first. Here and
/// below `CROSS JOIN` keeps `SQLite` from starting at the channels and reading everything each of
/// them ever sent.
macro_rules! of_share {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM outbox o
              CROSS JOIN channels c
              WHERE o.workspace_id = shares.share
                AND c.workspace_id = o.workspace_id AND c.id = o.channel_id
                AND o.status IN ('queued', 'uncertain') AND o.due_at <= $1
                AND c.status = 'running' AND c.deleted_at IS NULL
                AND NOT EXISTS (
                    SELECT 1 FROM outbox p
                     WHERE p.workspace_id = o.workspace_id AND p.channel_id = o.channel_id
                       AND p.address = o.address AND p.position < o.position
                       AND p.status IN ('queued', 'sending', 'uncertain'))
              ORDER BY o.due_at LIMIT $2"
        )
    };
}

macro_rules! sendable {
    (POSTGRES) => {
        sendable!(concat!("LATERAL (", of_share!("o.workspace_id, o.id, o.due_at"), ") piece WHERE"))
    };
    (SQLITE) => {
        sendable!(concat!(
            "outbox piece WHERE piece.workspace_id = shares.share AND piece.id IN (",
            of_share!("o.id"),
            ") AND"
        ))
    };
    ($pieces:expr) => {
        concat!(
            shares!("outbox", "workspace_id", "status IN ('queued', 'uncertain')"),
            "candidates AS (
                 SELECT piece.workspace_id, piece.id, piece.due_at,
                        (SELECT COUNT(*) FROM outbox s
                          WHERE s.status = 'sending' AND s.workspace_id = shares.share) AS sending
                   FROM shares CROSS JOIN ", $pieces, " shares.share IS NOT NULL
             ), ranked AS (
                 SELECT workspace_id, id, due_at,
                        sending + row_number() OVER (
                            PARTITION BY workspace_id ORDER BY due_at, id) AS place
                   FROM candidates
             ), due AS (
                 SELECT workspace_id, id, place FROM ranked ORDER BY place, due_at LIMIT $2
             )
             SELECT o.id, o.workspace_id, o.channel_id, c.kind AS channel_kind, o.contact_id, o.address,
                    o.chat_kind, o.dialog_id, o.message_id, o.part, o.parts, o.content, o.attempts,
                    o.uncertain, o.revoked, t.token_sealed AS secret_sealed
               FROM due
              CROSS JOIN outbox o
              CROSS JOIN channels c
               LEFT JOIN telegram_bots t ON t.workspace_id = c.workspace_id AND t.channel_id = c.id
              WHERE o.workspace_id = due.workspace_id AND o.id = due.id
                AND c.workspace_id = o.workspace_id AND c.id = o.channel_id
              ORDER BY due.place, o.due_at"
        )
    };
}

/// What may be sent, for each database.
pub(crate) const SENDABLE: [&str; 2] = [sendable!(POSTGRES), sendable!(SQLITE)];

impl SystemOutbox<'_> {
    /// The parts that may be sent now: due, first of what is unfinished in their chat, and of a
    /// channel that runs. At most `limit`: the workspaces take turns, of each the longest waiting
    /// first.
    pub async fn sendable(
        self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Sendable>, StorageError> {
        let sql = self.tx.sql(SENDABLE[0], SENDABLE[1]);
        rows!(self.tx, Row, sql; now, i64::from(limit)).into_iter().map(read).collect()
    }

    /// Claims a part for sending. `false`: another process was quicker, even if it has put the part
    /// back since: what `send` says of earlier attempts is then no longer true.
    pub async fn claim(
        self,
        send: &Sendable,
        by: ProcessId,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE outbox SET status = 'sending', claimed_by = $3, attempts = attempts + 1,
                   updated_at = $4
             WHERE workspace_id = $1 AND id = $2 AND status IN ('queued', 'uncertain')
               AND due_at <= $4 AND attempts = $5 AND uncertain = $6 AND NOT revoked";
        let changed = run!(self.tx, SQL;
            send.workspace_id.into_uuid(), send.id.into_uuid(), by.into_uuid(), now, send.attempts,
            send.uncertain);
        Ok(changed == 1)
    }

    /// Gives up a part that must not be sent any more. `false`: another process was quicker.
    pub async fn cancel(self, part: &Sendable, now: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE outbox SET status = 'canceled', updated_at = $3
             WHERE workspace_id = $1 AND id = $2 AND status IN ('queued', 'uncertain') AND revoked";
        let changed = run!(self.tx, SQL; part.workspace_id.into_uuid(), part.id.into_uuid(), now);
        // Whatever waits behind it in the chat may go now.
        self.tx.done.outbox |= changed == 1;
        Ok(changed == 1)
    }

    /// Puts a part off that a limit does not let through yet.
    pub async fn put_off(self, send: &Sendable, due: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE outbox SET due_at = $3
             WHERE workspace_id = $1 AND id = $2 AND status IN ('queued', 'uncertain')";
        run!(self.tx, SQL; send.workspace_id.into_uuid(), send.id.into_uuid(), due);
        Ok(())
    }

    /// When the next waiting part is due.
    pub async fn next_due(
        self,
        after: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StorageError> {
        const SQL: &str = "
            SELECT due_at FROM outbox
             WHERE status IN ('queued', 'uncertain') AND due_at > $1 ORDER BY due_at LIMIT 1";
        Ok(value!(self.tx, DateTime<Utc>, SQL; after))
    }

    /// How many parts wait to be sent.
    pub async fn waiting(self) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT COUNT(*) FROM outbox WHERE status IN ('queued', 'uncertain')";
        Ok(value!(self.tx, i64, SQL).unwrap_or_default())
    }

    /// Forgets parts that were sent or failed before `cutoff`; their messages stay. The newest part
    /// of a chat stays too: it holds the chat's position. A batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!(
            "outbox",
            "status IN ('sent', 'failed', 'canceled') AND updated_at < $1
               AND position < (SELECT MAX(p.position) FROM outbox p
                                WHERE p.workspace_id = outbox.workspace_id
                                  AND p.channel_id = outbox.channel_id AND p.address = outbox.address)"
        );
        Ok(delete_batch!(self.tx, SQL; cutoff))
    }
}

fn read(row: Row) -> Result<Sendable, StorageError> {
    let corrupt = StorageError::corrupt("outbox");
    let (channel_kind, chat_kind) = match (row.channel_kind.parse(), row.chat_kind.parse()) {
        (Ok(channel), Ok(chat)) => (channel, chat),
        (Err(error), _) | (_, Err(error)) => return Err(corrupt(error)),
    };

    Ok(Sendable {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        channel_id: row.channel_id.into(),
        channel_kind,
        contact_id: row.contact_id.into(),
        address: row.address.into(),
        chat_kind,
        dialog_id: row.dialog_id.into(),
        message_id: row.message_id.into(),
        part: row.part,
        parts: row.parts,
        content: row.content.0,
        attempts: row.attempts,
        uncertain: row.uncertain,
        revoked: row.revoked,
        secret_sealed: row.secret_sealed,
    })
}
