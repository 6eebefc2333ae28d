//! Ways in which customers and an assistant write to each other: the `channels` table.
//!
//! What a network needs beyond this stands in a table of its own ([`crate::bots`]). Deleted
//! channels stay without their secrets, because dialogs tell through which channel they came.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{Channel, ChannelKind},
    ids::{AssistantId, ChannelId, WorkspaceId},
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "c.workspace_id, c.id, c.assistant_id, c.kind, c.name, c.status, c.error, c.created_at, c.updated_at"
    };
}

/// A channel with its secret: a bot's token, or none.
macro_rules! find {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", t.token_sealed AS secret_sealed
               FROM channels c
               LEFT JOIN telegram_bots t ON t.workspace_id = c.workspace_id AND t.channel_id = c.id
              WHERE c.workspace_id = $1 AND c.id = $2 AND c.deleted_at IS NULL"
        )
    };
}

/// The secret of a channel that a statement calls by this name.
macro_rules! secret {
    ($channel:literal) => {
        concat!(
            "(SELECT t.token_sealed FROM telegram_bots t WHERE t.workspace_id = ",
            $channel,
            ".workspace_id AND t.channel_id = ",
            $channel,
            ".id)"
        )
    };
}

pub(crate) use secret;

/// The expression for the commands that the owner gave to the channel `$channel`; `NULL` where its
/// kind has none.
macro_rules! commands {
    ($channel:literal) => {
        concat!(
            "(SELECT t.commands FROM telegram_bots t WHERE t.workspace_id = ",
            $channel,
            ".workspace_id AND t.channel_id = ",
            $channel,
            ".id)"
        )
    };
}

pub(crate) use commands;

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    kind: String,
    name: String,
    status: String,
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[row(default)]
    secret_sealed: Option<Vec<u8>>,
}

/// A channel with what it needs to send. The secret is sealed for the channel's id.
#[derive(Clone, Debug)]
pub struct Access {
    /// The channel.
    pub channel: Channel,
    /// Its secret, sealed, if its network wants one.
    pub secret_sealed: Option<Vec<u8>>,
}

/// One workspace's channels, of every kind.
pub struct Channels<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Channels<'_> {
    /// Stores a new channel. What its network needs beyond this is stored by the table of its kind.
    pub(crate) async fn insert(self, channel: &Channel) -> Result<(), StorageError> {
        debug_assert_eq!(channel.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = "
            INSERT INTO channels (workspace_id, id, assistant_id, kind, name, status, error, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), channel.id.into_uuid(), channel.assistant_id.into_uuid(),
            channel.kind.as_str(), &channel.name, channel.status.as_str(), &channel.error,
            channel.created_at, channel.updated_at);
        wake(self.tx);
        Ok(())
    }

    /// Finds a channel.
    pub async fn find(self, id: ChannelId) -> Result<Option<Channel>, StorageError> {
        Ok(self.access(id).await?.map(|found| found.channel))
    }

    /// Finds a channel with what it needs to send.
    pub async fn access(self, id: ChannelId) -> Result<Option<Access>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read_access)
            .transpose()
    }

    /// Finds a channel and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: ChannelId) -> Result<Option<Channel>, StorageError> {
        macro_rules! alone {
            () => {
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM channels c WHERE c.workspace_id = $1 AND c.id = $2 AND c.deleted_at IS NULL"
                )
            };
        }
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(alone!(), " FOR NO KEY UPDATE"), alone!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// A page of the channels of every kind, oldest first.
    pub async fn list(
        self,
        page: PageRequest<ChannelId>,
    ) -> Result<Page<Channel, ChannelId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM channels c
              WHERE c.workspace_id = $1 AND c.id > $2 AND c.deleted_at IS NULL
              ORDER BY c.id LIMIT $3"
        );
        let after = page.after.map_or(Uuid::nil(), ChannelId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |channel: &Channel| channel.id))
    }

    /// How many channels of whichever kind an assistant has.
    pub async fn count_of(self, assistant: AssistantId) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM channels
             WHERE workspace_id = $1 AND assistant_id = $2 AND deleted_at IS NULL";
        let count = value!(self.tx, i64, SQL; self.workspace.into_uuid(), assistant.into_uuid());
        Ok(count.unwrap_or_default())
    }

    /// How many channels of a kind the workspace has.
    pub async fn count(self, kind: ChannelKind) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM channels WHERE workspace_id = $1 AND kind = $2 AND deleted_at IS NULL";
        let count = value!(self.tx, i64, SQL; self.workspace.into_uuid(), kind.as_str());
        Ok(count.unwrap_or_default())
    }

    /// Writes a changed name, status or error.
    ///
    /// # Errors
    ///
    /// Fails when the channel is not there.
    pub(crate) async fn save(self, channel: &Channel) -> Result<(), StorageError> {
        update(self.tx, self.workspace, channel).await?;
        wake(self.tx);
        Ok(())
    }

    /// Deletes a channel, and with it its secrets. Its replies that are not known to be sent fail,
    /// with their messages; a send that is under way may still be recorded as sent.
    ///
    /// # Errors
    ///
    /// Fails when the channel is not there.
    pub(crate) async fn delete(self, channel: &Channel) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE channels SET deleted_at = $3, updated_at = $3, status = 'stopped'
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let now = channel.updated_at;
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), channel.id.into_uuid(), now);
        StorageError::expect_one_row("channels", deleted)?;

        let why = match channel.kind {
            ChannelKind::Telegram => {
                release(self.tx, self.workspace, channel.id, now).await?;
                "the bot was deleted"
            }
            ChannelKind::Api => "the channel was deleted",
        };
        end_sends(self.tx, self.workspace, channel.id, why, now).await?;
        self.tx.done.bots = true;
        Ok(())
    }

    /// Remembers how far a channel that is polled has been read: from which delivery on to go on.
    pub async fn set_poll_offset(self, id: ChannelId, offset: i64) -> Result<(), StorageError> {
        const SQL: &str =
            "UPDATE telegram_bots SET poll_offset = $3 WHERE workspace_id = $1 AND channel_id = $2";
        run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), offset);
        Ok(())
    }
}

/// The channels of all workspaces.
pub struct SystemChannels<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemChannels<'_> {
    /// Finds channels with what they need to send.
    pub async fn access_each(
        self,
        which: &[(WorkspaceId, ChannelId)],
    ) -> Result<Vec<Access>, StorageError> {
        const SQL: [&str; 2] = given!(
            ["in_workspace" "uuid", 2 "channel" "uuid"]
            concat!(
                "SELECT ",
                columns!(),
                ", t.token_sealed AS secret_sealed
                   FROM channels c
                   LEFT JOIN telegram_bots t
                     ON t.workspace_id = c.workspace_id AND t.channel_id = c.id
                  WHERE (c.workspace_id, c.id) IN (SELECT in_workspace, channel FROM given)
                    AND c.deleted_at IS NULL"
            )
        );
        let found = rows_each!(self.tx, Row, SQL, which; |row|
            row.0.into_uuid(), row.1.into_uuid());
        found.into_iter().map(read_access).collect()
    }
}

/// Writes what may change of a channel.
pub(crate) async fn update(
    tx: &mut Tx,
    workspace: WorkspaceId,
    channel: &Channel,
) -> Result<(), StorageError> {
    const SQL: &str = "
        UPDATE channels SET name = $3, status = $4, error = $5, updated_at = $6
         WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
    let changed = run!(tx, SQL;
        workspace.into_uuid(), channel.id.into_uuid(), &channel.name,
        channel.status.as_str(), &channel.error, channel.updated_at);
    StorageError::expect_one_row("channels", changed)
}

/// Wipes the token of a bot that is no longer ours, so that another row may hold the bot.
pub(crate) async fn release(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: ChannelId,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    const SQL: &str = "
        UPDATE telegram_bots SET token_sealed = $3, released_at = $4
         WHERE workspace_id = $1 AND channel_id = $2 AND released_at IS NULL";
    let none: &[u8] = &[];
    Ok(run!(tx, SQL; workspace.into_uuid(), id.into_uuid(), none, now))
}

/// Wakes those who run channels and send through them.
pub(crate) const fn wake(tx: &mut Tx) {
    tx.done.bots = true;
    tx.done.outbox = true;
}

/// Ends what a channel that is no longer ours has to send, with the messages. What is being sent at
/// this moment may have arrived: it counts as uncertain, and stays claimed, so that its outcome can
/// still be recorded.
pub(crate) async fn end_sends(
    tx: &mut Tx,
    workspace: WorkspaceId,
    channel: ChannelId,
    error: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    macro_rules! unfinished {
        () => {
            "SELECT id FROM outbox
              WHERE workspace_id = $1 AND channel_id = $2 AND status IN ('queued', 'sending', 'uncertain')
              ORDER BY address, position"
        };
    }
    macro_rules! fail {
        ($unfinished:expr) => {
            concat!(
                "WITH unfinished AS MATERIALIZED (",
                $unfinished,
                ") UPDATE outbox SET status = 'failed', error = $4, updated_at = $3,
                          uncertain = uncertain + CASE WHEN status = 'sending' THEN 1 ELSE 0 END,
                          claimed_by = CASE WHEN status = 'sending' THEN claimed_by END
                    WHERE workspace_id = $1 AND id IN (SELECT id FROM unfinished)"
            )
        };
    }
    const MESSAGES: &str = "
        UPDATE messages SET delivery = 'failed'
         WHERE workspace_id = $1 AND delivery = 'queued'
           AND id IN (SELECT message_id FROM outbox
                       WHERE workspace_id = $1 AND channel_id = $2 AND status = 'failed')";

    // Outcomes of sends are written in this order, too.
    let lock = fail!(concat!(unfinished!(), " FOR NO KEY UPDATE"));
    let outbox = tx.sql(lock, fail!(unfinished!()));
    run!(tx, outbox; workspace.into_uuid(), channel.into_uuid(), now, error);
    run!(tx, MESSAGES; workspace.into_uuid(), channel.into_uuid());
    Ok(())
}

fn read_access(mut row: Row) -> Result<Access, StorageError> {
    let secret_sealed = row.secret_sealed.take();
    Ok(Access { channel: read(row)?, secret_sealed })
}

fn read(row: Row) -> Result<Channel, StorageError> {
    let corrupt = StorageError::corrupt("channels");
    let (kind, status) = match (row.kind.parse(), row.status.parse()) {
        (Ok(kind), Ok(status)) => (kind, status),
        (Err(error), _) | (_, Err(error)) => return Err(corrupt(error)),
    };
    Ok(Channel {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        assistant_id: row.assistant_id.into(),
        kind,
        name: row.name,
        status,
        error: row.error,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
