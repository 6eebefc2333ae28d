//! Ways into Telegram: the `bots` table.
//!
//! Deleted bots stay in the table without their token, because dialogs tell through which bot they
//! came. So do bots that moved: somebody showed a newer token of theirs elsewhere. Owners still see
//! those.

use chrono::{DateTime, Utc};
use replyx_core::{
    bot::{Bot, BotStatus},
    event::Event,
    ids::{AssistantId, BotId, WorkspaceId},
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, assistant_id, telegram_id, username, token_sealed, hook_path, mode, status,
         error, poll_offset, created_at, updated_at"
    };
}

macro_rules! find {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM bots WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL"
        )
    };
}

macro_rules! holder {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM bots WHERE telegram_id = $1 AND deleted_at IS NULL AND moved_at IS NULL"
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    telegram_id: i64,
    username: String,
    token_sealed: Vec<u8>,
    hook_path: String,
    mode: String,
    status: String,
    error: Option<String>,
    poll_offset: Option<i64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A bot with what it needs to run. The token is sealed for the bot's id.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The bot.
    pub bot: Bot,
    /// Its token, sealed.
    pub token_sealed: Vec<u8>,
    /// The secret part of its webhook's address.
    pub hook_path: String,
    /// From which update on to poll; `None` before the first.
    pub poll_offset: Option<i64>,
}

/// One workspace's bots.
pub struct Bots<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Bots<'_> {
    /// Registers a bot.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when the installation already runs this bot.
    pub async fn insert(
        self,
        bot: &Bot,
        token_sealed: &[u8],
        hook_path: &str,
    ) -> Result<(), StorageError> {
        debug_assert_eq!(bot.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO bots (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11, $12)"
        );
        run!(self.tx, SQL;
            self.workspace.into_uuid(), bot.id.into_uuid(), bot.assistant_id.into_uuid(),
            bot.telegram_id, &bot.username, token_sealed, hook_path, bot.mode.as_str(),
            bot.status.as_str(), &bot.error, bot.created_at, bot.updated_at);
        self.tx.done.bots = true;
        self.tx.record(self.workspace, status_event(bot), bot.created_at);
        Ok(())
    }

    /// Finds a bot.
    pub async fn find(self, id: BotId) -> Result<Option<Bot>, StorageError> {
        Ok(self.credentials(id).await?.map(|found| found.bot))
    }

    /// Finds a bot with what it needs to run.
    pub async fn credentials(self, id: BotId) -> Result<Option<Credentials>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds a bot and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: BotId) -> Result<Option<Bot>, StorageError> {
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid())
            .map(|row| read(row).map(|found| found.bot))
            .transpose()
    }

    /// A page of the bots, oldest first.
    pub async fn list(self, page: PageRequest<BotId>) -> Result<Page<Bot, BotId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM bots WHERE workspace_id = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3"
        );
        let after = page.after.map_or(Uuid::nil(), BotId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let found = rows
            .into_iter()
            .map(|row| read(row).map(|found| found.bot))
            .collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |bot: &Bot| bot.id))
    }

    /// How many bots an assistant has.
    pub async fn count_of(self, assistant: AssistantId) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM bots
             WHERE workspace_id = $1 AND assistant_id = $2 AND deleted_at IS NULL";
        let count = value!(self.tx, i64, SQL; self.workspace.into_uuid(), assistant.into_uuid());
        Ok(count.unwrap_or_default())
    }

    /// Writes a changed mode, status or error, and tells the log. A bot that moved away does not
    /// run again.
    ///
    /// # Errors
    ///
    /// Fails when the bot is not there.
    pub async fn save(self, bot: &Bot) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE bots SET mode = $3, status = $4, error = $5, updated_at = $6
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL
               AND (moved_at IS NULL OR $4 <> 'running')";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), bot.id.into_uuid(), bot.mode.as_str(), bot.status.as_str(),
            &bot.error, bot.updated_at);
        StorageError::expect_one_row("bots", changed)?;
        self.tx.done.bots = true;
        self.tx.done.outbox = true;
        self.tx.record(self.workspace, status_event(bot), bot.updated_at);
        Ok(())
    }

    /// Deletes a bot: its token is wiped, and its replies that are not known to be sent fail, with
    /// their messages. A send that is under way may still be recorded as sent. `false`: there is no
    /// such bot.
    pub async fn delete(self, id: BotId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE bots SET deleted_at = $3, updated_at = $3, status = 'stopped', token_sealed = $4
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let none: &[u8] = &[];
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), now, none);
        if deleted == 0 {
            return Ok(false);
        }
        end_sends(self.tx, self.workspace, id, "the bot was deleted", now).await?;
        self.tx.done.bots = true;
        self.tx.record(self.workspace, Event::BotDeleted { bot_id: id }, now);
        Ok(true)
    }

    /// Takes a bot from its workspace because somebody showed a newer token elsewhere: its token is
    /// wiped, it fails with `error`, and its replies fail as those of a deleted bot do. Its dialogs
    /// stay. The caller holds its lock.
    ///
    /// # Errors
    ///
    /// Fails when the bot is not there.
    pub async fn move_away(
        self,
        bot: &Bot,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE bots SET moved_at = $3, updated_at = $3, status = 'failed', error = $4, token_sealed = $5
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL AND moved_at IS NULL";
        let none: &[u8] = &[];
        let moved =
            run!(self.tx, SQL; self.workspace.into_uuid(), bot.id.into_uuid(), now, error, none);
        StorageError::expect_one_row("bots", moved)?;
        end_sends(self.tx, self.workspace, bot.id, error, now).await?;

        self.tx.done.bots = true;
        let error = Some(error.to_owned());
        let event = Event::BotStatus { bot_id: bot.id, status: BotStatus::Failed, error };
        self.tx.record(self.workspace, event, now);
        Ok(())
    }

    /// Whether the bot has been connected elsewhere since.
    pub async fn has_moved(self, id: BotId) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT id FROM bots
             WHERE workspace_id = $1 AND id = $2 AND moved_at IS NOT NULL AND deleted_at IS NULL";
        let found = value!(self.tx, Uuid, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(found.is_some())
    }

    /// The newest row that an assistant has of a bot that moved away, locked: where the bot comes
    /// home to.
    pub async fn lock_former(
        self,
        telegram_id: i64,
        assistant: AssistantId,
    ) -> Result<Option<Bot>, StorageError> {
        macro_rules! former {
            () => {
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM bots WHERE workspace_id = $1 AND telegram_id = $2 AND assistant_id = $3
                         AND moved_at IS NOT NULL AND deleted_at IS NULL
                       ORDER BY moved_at DESC LIMIT 1"
                )
            };
        }
        let sql = self.tx.sql(concat!(former!(), " FOR NO KEY UPDATE"), former!());
        let row = row!(self.tx, Row, sql;
            self.workspace.into_uuid(), telegram_id, assistant.into_uuid());
        row.map(|row| read(row).map(|found| found.bot)).transpose()
    }

    /// Gives a bot a newer token and runs it as `bot` says, also one that had moved away. The
    /// caller holds its lock.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when the bot is connected elsewhere; fails too when it is not
    /// there.
    pub async fn replace_token(self, bot: &Bot, token_sealed: &[u8]) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE bots SET username = $3, token_sealed = $4, mode = $5, status = $6, error = $7,
                   updated_at = $8, moved_at = NULL
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), bot.id.into_uuid(), &bot.username, token_sealed,
            bot.mode.as_str(), bot.status.as_str(), &bot.error, bot.updated_at);
        StorageError::expect_one_row("bots", changed)?;

        self.tx.done.bots = true;
        self.tx.done.outbox = true;
        self.tx.record(self.workspace, status_event(bot), bot.updated_at);
        Ok(())
    }

    /// Remembers from which update on to poll.
    pub async fn set_poll_offset(self, id: BotId, offset: i64) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE bots SET poll_offset = $3 WHERE workspace_id = $1 AND id = $2";
        run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), offset);
        Ok(())
    }
}

/// All bots.
pub struct SystemBots<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemBots<'_> {
    /// The bots that should run, after `after`, at most `limit`, in the order of their ids.
    pub async fn running(
        self,
        after: Option<BotId>,
        limit: u32,
    ) -> Result<Vec<Credentials>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM bots WHERE status = 'running' AND deleted_at IS NULL AND id > $1
               ORDER BY id LIMIT $2"
        );
        let after = after.map_or(Uuid::nil(), BotId::into_uuid);
        rows!(self.tx, Row, SQL; after, i64::from(limit)).into_iter().map(read).collect()
    }

    /// Finds a bot by the secret part of its webhook's address.
    pub async fn find_by_hook(self, path: &str) -> Result<Option<Credentials>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM bots WHERE hook_path = $1 AND deleted_at IS NULL AND moved_at IS NULL"
        );
        row!(self.tx, Row, SQL; path).map(read).transpose()
    }

    /// The bot that runs under Telegram's number in this installation, in whichever workspace.
    pub async fn find_by_telegram_id(self, id: i64) -> Result<Option<Credentials>, StorageError> {
        row!(self.tx, Row, holder!(); id).map(read).transpose()
    }

    /// As [`Self::find_by_telegram_id`], and keeps others from changing it until the transaction
    /// ends.
    pub async fn lock_by_telegram_id(self, id: i64) -> Result<Option<Credentials>, StorageError> {
        let sql = self.tx.sql(concat!(holder!(), " FOR NO KEY UPDATE"), holder!());
        row!(self.tx, Row, sql; id).map(read).transpose()
    }

    /// How many bots there are: (that should run, all).
    pub async fn count(self) -> Result<(i64, i64), StorageError> {
        const SQL: &str = "
            SELECT COUNT(CASE WHEN status = 'running' THEN 1 END), COUNT(*)
              FROM bots WHERE deleted_at IS NULL";
        Ok(row!(self.tx, (i64, i64), SQL).unwrap_or_default())
    }
}

/// Ends what a bot that is no longer ours has to send, with the messages. What is being sent at
/// this moment may have arrived: it counts as uncertain, and stays claimed, so that its outcome can
/// still be recorded.
async fn end_sends(
    tx: &mut Tx,
    workspace: WorkspaceId,
    bot: BotId,
    error: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    macro_rules! unfinished {
        () => {
            "SELECT id FROM outbox
              WHERE workspace_id = $1 AND bot_id = $2 AND status IN ('queued', 'sending', 'uncertain')
              ORDER BY chat_id, position"
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
                       WHERE workspace_id = $1 AND bot_id = $2 AND status = 'failed')";

    // Outcomes of sends are written in this order, too.
    let lock = fail!(concat!(unfinished!(), " FOR NO KEY UPDATE"));
    let outbox = tx.sql(lock, fail!(unfinished!()));
    run!(tx, outbox; workspace.into_uuid(), bot.into_uuid(), now, error);
    run!(tx, MESSAGES; workspace.into_uuid(), bot.into_uuid());
    Ok(())
}

fn status_event(bot: &Bot) -> Event {
    Event::BotStatus { bot_id: bot.id, status: bot.status, error: bot.error.clone() }
}

fn read(row: Row) -> Result<Credentials, StorageError> {
    let corrupt = StorageError::corrupt("bots");
    let (mode, status) = match (row.mode.parse(), row.status.parse::<BotStatus>()) {
        (Ok(mode), Ok(status)) => (mode, status),
        (Err(error), _) | (_, Err(error)) => return Err(corrupt(error)),
    };
    Ok(Credentials {
        bot: Bot {
            id: row.id.into(),
            workspace_id: row.workspace_id.into(),
            assistant_id: row.assistant_id.into(),
            telegram_id: row.telegram_id,
            username: row.username,
            mode,
            status,
            error: row.error,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        token_sealed: row.token_sealed,
        hook_path: row.hook_path,
        poll_offset: row.poll_offset,
    })
}
