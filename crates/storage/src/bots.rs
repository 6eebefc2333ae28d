//! Telegram bots: rows of `channels`, with what is Telegram's of them in `telegram_bots`.
//!
//! A row of a deleted bot stays without its token, because dialogs tell through which bot they
//! came. So does a row whose bot moved: somebody showed a newer token of it elsewhere. Owners still
//! see those. Both are released: another row may hold the bot.

use chrono::{DateTime, Utc};
use replyx_core::{
    bot::Bot,
    channel::{Channel, ChannelKind, ChannelStatus},
    command::OwnerCommand,
    ids::{AssistantId, ChannelId, WorkspaceId},
    page::{Page, PageRequest},
    rules::channel::{BotWithToken, MovedAway, NewBot},
};
use uuid::Uuid;

use crate::{StorageError, Tx, channels};

macro_rules! columns {
    () => {
        "c.workspace_id, c.id, c.assistant_id, t.telegram_id, c.name, t.token_sealed, t.hook_path, t.mode,
         t.commands, t.commands_set, c.status, c.error, t.poll_offset, c.created_at, c.updated_at"
    };
}

/// Bots that are not deleted, and a condition.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM channels c
              JOIN telegram_bots t ON t.workspace_id = c.workspace_id AND t.channel_id = c.id
              WHERE c.deleted_at IS NULL AND ",
            $condition
        )
    };
}

macro_rules! find {
    () => {
        select!("c.workspace_id = $1 AND c.id = $2")
    };
}

macro_rules! holder {
    () => {
        select!("t.telegram_id = $1 AND t.released_at IS NULL")
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    telegram_id: i64,
    name: String,
    token_sealed: Vec<u8>,
    hook_path: String,
    mode: String,
    commands: String,
    commands_set: Option<String>,
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
    /// What of its commands Telegram was told last, as a hash; `None`: nothing.
    pub commands_set: Option<String>,
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
    pub(crate) async fn insert(self, new: &NewBot) -> Result<(), StorageError> {
        let NewBot { bot, token_sealed, hook_path } = new;
        debug_assert_eq!(bot.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = "
            INSERT INTO telegram_bots (workspace_id, channel_id, telegram_id, token_sealed, hook_path,
                                       mode, commands)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let channel = channel_of(bot);
        self.tx.workspace(self.workspace).channels().insert(&channel).await?;
        run!(self.tx, SQL;
            self.workspace.into_uuid(), bot.id.into_uuid(), bot.telegram_id, token_sealed.as_slice(),
            hook_path,
            bot.mode.as_str(), written(&bot.commands)?);
        Ok(())
    }

    /// Finds a bot.
    pub async fn find(self, id: ChannelId) -> Result<Option<Bot>, StorageError> {
        Ok(self.credentials(id).await?.map(|found| found.bot))
    }

    /// Finds a bot with what it needs to run.
    pub async fn credentials(self, id: ChannelId) -> Result<Option<Credentials>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds a bot and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: ChannelId) -> Result<Option<Bot>, StorageError> {
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid())
            .map(|row| read(row).map(|found| found.bot))
            .transpose()
    }

    /// A page of the bots, oldest first.
    pub async fn list(
        self,
        page: PageRequest<ChannelId>,
    ) -> Result<Page<Bot, ChannelId>, StorageError> {
        const SQL: &str = select!("c.workspace_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3");
        let after = page.after.map_or(Uuid::nil(), ChannelId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let found = rows
            .into_iter()
            .map(|row| read(row).map(|found| found.bot))
            .collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |bot: &Bot| bot.id))
    }

    /// Writes a changed mode, changed commands, status or error. A bot that moved away does not run
    /// again.
    ///
    /// # Errors
    ///
    /// Fails when the bot is not there.
    pub(crate) async fn save(self, bot: &Bot) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE telegram_bots SET mode = $3, commands = $5
             WHERE workspace_id = $1 AND channel_id = $2 AND (released_at IS NULL OR $4 <> 'running')";
        // The channel first: that is the order in which both are locked.
        let channel = channel_of(bot);
        channels::update(self.tx, self.workspace, &channel).await?;
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), bot.id.into_uuid(), bot.mode.as_str(), bot.status.as_str(),
            written(&bot.commands)?);
        StorageError::expect_one_row("telegram_bots", changed)?;
        channels::wake(self.tx);
        Ok(())
    }

    /// Takes a bot from its workspace because somebody showed a newer token elsewhere: its token is
    /// wiped, it fails with its error, and its replies fail as those of a deleted bot do. Its
    /// dialogs stay. The caller holds its lock.
    ///
    /// # Errors
    ///
    /// Fails when the bot is not there.
    pub(crate) async fn move_away(self, left: &MovedAway) -> Result<(), StorageError> {
        let MovedAway(bot) = left;
        let now = bot.updated_at;
        let error = bot.error.as_deref().unwrap_or_default();
        channels::update(self.tx, self.workspace, &channel_of(bot)).await?;
        let released = channels::release(self.tx, self.workspace, bot.id, now).await?;
        StorageError::expect_one_row("telegram_bots", released)?;
        channels::end_sends(self.tx, self.workspace, bot.id, error, now).await?;
        channels::wake(self.tx);
        Ok(())
    }

    /// Whether the bot has been connected elsewhere since.
    pub async fn has_moved(self, id: ChannelId) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT c.id FROM channels c
              JOIN telegram_bots t ON t.workspace_id = c.workspace_id AND t.channel_id = c.id
              WHERE c.workspace_id = $1 AND c.id = $2 AND t.released_at IS NOT NULL AND c.deleted_at IS NULL";
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
                select!(
                    "c.workspace_id = $1 AND t.telegram_id = $2 AND c.assistant_id = $3
                     AND t.released_at IS NOT NULL ORDER BY t.released_at DESC LIMIT 1"
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
    pub(crate) async fn replace_token(self, newer: &BotWithToken) -> Result<(), StorageError> {
        let BotWithToken { bot, token_sealed } = newer;
        const SQL: &str = "
            UPDATE telegram_bots SET token_sealed = $3, mode = $4, released_at = NULL
             WHERE workspace_id = $1 AND channel_id = $2";
        let channel = channel_of(bot);
        channels::update(self.tx, self.workspace, &channel).await?;
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), bot.id.into_uuid(), token_sealed.as_slice(), bot.mode.as_str());
        StorageError::expect_one_row("telegram_bots", changed)?;
        channels::wake(self.tx);
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
        after: Option<ChannelId>,
        limit: u32,
    ) -> Result<Vec<Credentials>, StorageError> {
        const SQL: &str = select!("c.status = 'running' AND c.id > $1 ORDER BY c.id LIMIT $2");
        let after = after.map_or(Uuid::nil(), ChannelId::into_uuid);
        rows!(self.tx, Row, SQL; after, i64::from(limit)).into_iter().map(read).collect()
    }

    /// Finds a bot by the secret part of its webhook's address.
    pub async fn find_by_hook(self, path: &str) -> Result<Option<Credentials>, StorageError> {
        const SQL: &str = select!("t.hook_path = $1 AND t.released_at IS NULL");
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

    /// Notes what of its commands Telegram was told, as a hash.
    pub async fn note_commands(
        self,
        workspace: WorkspaceId,
        id: ChannelId,
        set: &str,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE telegram_bots SET commands_set = $3 WHERE workspace_id = $1 AND channel_id = $2";
        run!(self.tx, SQL; workspace.into_uuid(), id.into_uuid(), set);
        Ok(())
    }

    /// How many bots there are: (that should run, all).
    pub async fn count(self) -> Result<(i64, i64), StorageError> {
        const SQL: &str = "
            SELECT COUNT(CASE WHEN status = 'running' THEN 1 END), COUNT(*)
              FROM channels WHERE kind = 'telegram' AND deleted_at IS NULL";
        Ok(row!(self.tx, (i64, i64), SQL).unwrap_or_default())
    }
}

/// The stored form of commands.
fn written(commands: &[OwnerCommand]) -> Result<String, StorageError> {
    serde_json::to_string(commands).map_err(StorageError::corrupt("telegram_bots"))
}

/// Reads the stored form of commands.
pub(crate) fn read_commands(stored: &str) -> Result<Vec<OwnerCommand>, StorageError> {
    serde_json::from_str(stored).map_err(StorageError::corrupt("telegram_bots"))
}

fn channel_of(bot: &Bot) -> Channel {
    Channel {
        id: bot.id,
        workspace_id: bot.workspace_id,
        assistant_id: bot.assistant_id,
        kind: ChannelKind::Telegram,
        name: bot.username.clone(),
        status: bot.status,
        error: bot.error.clone(),
        created_at: bot.created_at,
        updated_at: bot.updated_at,
    }
}

fn read(row: Row) -> Result<Credentials, StorageError> {
    let corrupt = StorageError::corrupt("channels");
    let (mode, status) = match (row.mode.parse(), row.status.parse::<ChannelStatus>()) {
        (Ok(mode), Ok(status)) => (mode, status),
        (Err(error), _) | (_, Err(error)) => return Err(corrupt(error)),
    };
    Ok(Credentials {
        bot: Bot {
            id: row.id.into(),
            workspace_id: row.workspace_id.into(),
            assistant_id: row.assistant_id.into(),
            telegram_id: row.telegram_id,
            username: row.name,
            mode,
            commands: read_commands(&row.commands)?,
            status,
            error: row.error,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        token_sealed: row.token_sealed,
        hook_path: row.hook_path,
        commands_set: row.commands_set,
        poll_offset: row.poll_offset,
    })
}
