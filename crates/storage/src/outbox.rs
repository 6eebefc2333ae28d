//! Replies on their way: the `outbox` table.
//!
//! A row is written in the transaction that stores its reply, and leaves in the order of `position`
//! within its chat. Before a send it is claimed as `sending`, after it its outcome is written; a
//! row found `sending` without a living process behind it is `uncertain`: it may have been sent.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{ChatKind, Outbound},
    dialog::{Contact, Dialog},
    ids::{BotId, ContactId, DialogId, MessageId, OutboxId, ProcessId, WorkspaceId},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// How often a part looks for a free position: each time one was lost, another transaction won it.
const POSITION_TRIES: usize = 32;

/// A part of a reply that may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sendable {
    /// Identity.
    pub id: OutboxId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The bot it runs through.
    pub bot_id: BotId,
    /// To whom.
    pub contact_id: ContactId,
    /// Into which chat.
    pub chat_id: i64,
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
    /// The bot's token, sealed for the bot's id.
    pub token_sealed: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    workspace_id: Uuid,
    bot_id: Uuid,
    contact_id: Uuid,
    chat_id: i64,
    chat_kind: String,
    dialog_id: Uuid,
    message_id: Uuid,
    part: i64,
    parts: i64,
    formatted: Option<String>,
    plain: String,
    attempts: i64,
    uncertain: i64,
    token_sealed: Vec<u8>,
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
        self,
        dialog: &Dialog,
        contact: &Contact,
        message: MessageId,
        parts: &[(OutboxId, Outbound)],
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO outbox (workspace_id, id, bot_id, contact_id, chat_id, chat_kind, dialog_id,
                                message_id, position, part, parts, formatted, plain, status, due_at,
                                created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
                    (SELECT COALESCE(MAX(position), 0) + 1 FROM outbox
                      WHERE workspace_id = $1 AND bot_id = $3 AND chat_id = $5),
                    $9, $10, $11, $12, 'queued', $13, $13, $13)
            ON CONFLICT (workspace_id, bot_id, chat_id, position) DO NOTHING";
        let count = i64::try_from(parts.len()).unwrap_or(i64::MAX);
        for ((id, content), part) in parts.iter().zip(1_i64..) {
            // Another dialog of the same chat may take the position first: then the statement waits
            // for that transaction, does nothing, and finds the next position when it is run again.
            let mut queued = 0;
            for _ in 0..POSITION_TRIES {
                queued = run!(self.tx, SQL;
                    self.workspace.into_uuid(), id.into_uuid(), contact.bot_id.into_uuid(),
                    contact.id.into_uuid(), contact.chat_id, contact.chat_kind.as_str(),
                    dialog.id.into_uuid(), message.into_uuid(), part, count, &content.formatted,
                    &content.plain, now);
                if queued == 1 {
                    break;
                }
            }
            StorageError::expect_one_row("outbox", queued)?;
        }
        self.tx.done.outbox |= count > 0;
        Ok(())
    }

    /// Writes that the channel took a part, also when the bot was deleted while it was being sent.
    /// `false`: the row was no longer ours to write.
    pub async fn sent(
        self,
        id: OutboxId,
        by: ProcessId,
        channel_message_id: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE outbox SET status = 'sent', claimed_by = NULL, channel_message_id = $4,
                   error = NULL, updated_at = $5,
                   uncertain = uncertain - CASE WHEN status = 'failed' THEN 1 ELSE 0 END
             WHERE workspace_id = $1 AND id = $2 AND claimed_by = $3
               AND status IN ('sending', 'failed')";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), id.into_uuid(), by.into_uuid(), channel_message_id, now);
        // Whatever waits behind it in the chat may go now.
        self.tx.done.outbox |= changed == 1;
        Ok(changed == 1)
    }

    /// Puts a part back to be sent at `due`; `uncertain` when it may have been sent already.
    pub async fn put_back(
        self,
        id: OutboxId,
        by: ProcessId,
        due: DateTime<Utc>,
        error: &str,
        uncertain: bool,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE outbox SET status = CASE WHEN $6 = 1 THEN 'uncertain' ELSE 'queued' END,
                   uncertain = uncertain + $6, claimed_by = NULL, due_at = $4, error = $5,
                   updated_at = $4
             WHERE workspace_id = $1 AND id = $2 AND claimed_by = $3 AND status = 'sending'";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), id.into_uuid(), by.into_uuid(), due, error,
            i64::from(uncertain));
        self.tx.done.outbox |= changed == 1;
        Ok(())
    }

    /// Whether a part has followed its group to another chat before.
    pub async fn has_followed(self, id: OutboxId) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT id FROM outbox
             WHERE workspace_id = $1 AND id = $2 AND former_chat_id IS NOT NULL";
        let found = value!(self.tx, Uuid, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(found.is_some())
    }

    /// Lets what is on its way to a chat follow it to its new number, behind what is on its way
    /// there already, and in the order it had.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when something was queued there at the same time.
    pub async fn follow(
        self,
        bot: BotId,
        from: i64,
        to: i64,
        contact: Option<ContactId>,
    ) -> Result<(), StorageError> {
        const LAST: &str = "
            SELECT COALESCE(MAX(position), 0) FROM outbox
             WHERE workspace_id = $1 AND bot_id = $2 AND chat_id = $3";
        const SQL: &str = "
            UPDATE outbox SET chat_id = $4, former_chat_id = chat_id, position = position + $5,
                   contact_id = COALESCE($6, contact_id)
             WHERE workspace_id = $1 AND bot_id = $2 AND chat_id = $3
               AND status IN ('queued', 'sending', 'uncertain')";
        let workspace = self.workspace.into_uuid();
        let last = value!(self.tx, i64, LAST; workspace, bot.into_uuid(), to).unwrap_or_default();
        let contact = contact.map(ContactId::into_uuid);
        let moved = run!(self.tx, SQL; workspace, bot.into_uuid(), from, to, last, contact);
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
             WHERE workspace_id = $1 AND id = $2 AND claimed_by = $3 AND status = 'sending'";
        const REST: &str = "
            UPDATE outbox SET status = 'failed', error = $3, updated_at = $4
             WHERE workspace_id = $1 AND message_id = $2 AND status IN ('queued', 'uncertain')";
        let workspace = self.workspace.into_uuid();
        let changed = run!(self.tx, THIS;
            workspace, send.id.into_uuid(), by.into_uuid(), error, now, i64::from(uncertain));
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

/// The ids of the parts of `shares.share` that may be sent, the longest waiting first. `CROSS JOIN`
/// keeps `SQLite` from starting at the bots and reading everything each of them ever sent.
macro_rules! of_share {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM outbox o
              CROSS JOIN bots b
              WHERE o.workspace_id = shares.share
                AND b.workspace_id = o.workspace_id AND b.id = o.bot_id
                AND o.status IN ('queued', 'uncertain') AND o.due_at <= $1
                AND b.status = 'running' AND b.deleted_at IS NULL
                AND NOT EXISTS (
                    SELECT 1 FROM outbox p
                     WHERE p.workspace_id = o.workspace_id AND p.bot_id = o.bot_id
                       AND p.chat_id = o.chat_id AND p.position < o.position
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
             SELECT o.id, o.workspace_id, o.bot_id, o.contact_id, o.chat_id, o.chat_kind, o.dialog_id,
                    o.message_id, o.part, o.parts, o.formatted, o.plain, o.attempts, o.uncertain,
                    b.token_sealed
               FROM due
               JOIN outbox o ON o.workspace_id = due.workspace_id AND o.id = due.id
               JOIN bots b ON b.workspace_id = o.workspace_id AND b.id = o.bot_id
              ORDER BY due.place, o.due_at"
        )
    };
}

/// What may be sent, for each database.
pub(crate) const SENDABLE: [&str; 2] = [sendable!(POSTGRES), sendable!(SQLITE)];

impl SystemOutbox<'_> {
    /// The parts that may be sent now: due, first of what is unfinished in their chat, and of a bot
    /// that runs. At most `limit`: the workspaces take turns, of each the longest waiting first.
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
               AND due_at <= $4 AND attempts = $5 AND uncertain = $6";
        let changed = run!(self.tx, SQL;
            send.workspace_id.into_uuid(), send.id.into_uuid(), by.into_uuid(), now, send.attempts,
            send.uncertain);
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
    /// of a chat stays too: it holds the chat's position.
    pub async fn forget(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: &str = "
            DELETE FROM outbox
             WHERE status IN ('sent', 'failed') AND updated_at < $1
               AND position < (SELECT MAX(p.position) FROM outbox p
                                WHERE p.workspace_id = outbox.workspace_id
                                  AND p.bot_id = outbox.bot_id AND p.chat_id = outbox.chat_id)";
        Ok(run!(self.tx, SQL; cutoff))
    }
}

fn read(row: Row) -> Result<Sendable, StorageError> {
    Ok(Sendable {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        bot_id: row.bot_id.into(),
        contact_id: row.contact_id.into(),
        chat_id: row.chat_id,
        chat_kind: row.chat_kind.parse().map_err(StorageError::corrupt("outbox"))?,
        dialog_id: row.dialog_id.into(),
        message_id: row.message_id.into(),
        part: row.part,
        parts: row.parts,
        content: Outbound { formatted: row.formatted, plain: row.plain },
        attempts: row.attempts,
        uncertain: row.uncertain,
        token_sealed: row.token_sealed,
    })
}
