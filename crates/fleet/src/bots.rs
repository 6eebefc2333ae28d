//! Bots: assistants' ways into Telegram.

use std::{collections::HashSet, future::Future};

use chrono::{DateTime, Utc};
use replyx_channels::telegram::{BotProfile, TelegramError};
use replyx_core::{
    act::Actor,
    actor::Caller,
    bot::{Bot, BotMode},
    change::Change,
    channel::ChannelKind,
    command::OwnerCommand,
    ids::{AssistantId, ChannelId},
    refusal::{Missing, Unacceptable},
};
use replyx_storage::{StorageError, Tx, repeated};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::{
    Cx,
    channels::{ChannelError, delete_of},
};

mod claim;

use claim::Claim;

/// Whether Telegram has an address of this installation to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhooks {
    /// The installation has an address that Telegram can call.
    Reachable,
    /// It has none.
    Unreachable,
}

impl Webhooks {
    /// Refuses a mode that cannot work here, instead of a bot that fails a moment later.
    fn check(self, mode: Option<BotMode>) -> Result<(), Unacceptable> {
        if mode != Some(BotMode::Webhook) || self == Self::Reachable {
            return Ok(());
        }

        let message = "a webhook needs an https address that Telegram can call: set PUBLIC_URL, or use `polling`";
        Err(Unacceptable::new("mode", message))
    }
}

/// A new bot.
#[derive(Clone, Debug)]
pub struct BotRegistration {
    /// The token that `@BotFather` gave out.
    pub token: SecretString,
    /// How updates are received; [`BotMode::Auto`] unless given.
    pub mode: Option<BotMode>,
}

/// A bot could not be registered or changed.
#[derive(Debug, Error)]
pub enum BotError {
    /// There is no such bot or assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A value cannot be accepted.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// It is registered with a token that works.
    #[error(
        "this bot is registered already; if it is yours, have `@BotFather` revoke its token and show the new one"
    )]
    Exists,
    /// It was connected elsewhere with a newer token.
    #[error(
        "the bot was connected elsewhere with a newer token; connect it again with its newest token"
    )]
    Moved,
    /// The token that is shown belongs to another bot.
    #[error("this is the token of another bot, @{0}; show the newest token of this one")]
    Other(String),
    /// The token that is shown is the one that is stored.
    #[error("this token is stored already; if the bot failed, start it")]
    Unchanged,
    /// Telegram did not say whether a token works.
    #[error("Telegram could not be asked about {0}; try again")]
    Unasked(&'static str),
    /// The database failed.
    #[error("the bot could not be changed")]
    Storage(#[from] StorageError),
}

/// Registers a bot and starts it. Telegram is asked whether the token is right.
///
/// A bot that runs elsewhere is taken over when Telegram refuses the token that is stored there. In
/// the assistant that had the bot before, it keeps its id and its dialogs.
///
/// Telegram may take long to answer: `still_may` is called after each question, and its error ends
/// the registration.
pub async fn create<E, F>(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    new: BotRegistration,
    still_may: impl Fn() -> F,
) -> Result<Bot, E>
where
    E: From<BotError>,
    F: Future<Output = Result<(), E>>,
{
    let claim = admit(cx, caller, assistant, new).await?;
    claim::register(cx, caller, &claim, still_may).await
}

/// Asks Telegram whose token it is.
async fn admit(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    new: BotRegistration,
) -> Result<Claim, BotError> {
    cx.webhooks.check(new.mode)?;
    let mut tx = cx.engine.db.read().await?;
    let known = tx.workspace(caller.workspace_id).assistants().find(assistant).await?;
    known.ok_or(Missing("assistant"))?;
    drop(tx);

    let client = cx.engine.channels.telegram.bot(&new.token);
    let me = client.get_me().await.map_err(|error| refused(&error))?;
    Ok(Claim { me, token: new.token, assistant, mode: new.mode.unwrap_or(BotMode::Auto) })
}

/// What is told about a token that Telegram did not accept, or could not be asked about.
fn refused(error: &TelegramError) -> BotError {
    if matches!(error, TelegramError::Unauthorized) {
        return Unacceptable::new("token", "Telegram does not accept this token").into();
    }
    tracing::warn!(error.kind = error.kind(), "could not check the bot token");
    BotError::Unasked("the token")
}

/// Starts a bot. If it had failed, its error is cleared.
///
/// # Errors
///
/// [`BotError::Moved`] when it was connected elsewhere with a newer token.
pub async fn start(cx: Cx<'_>, caller: &Caller, id: ChannelId) -> Result<Bot, BotError> {
    let mut tx = cx.engine.db.read().await?;
    if tx.workspace(caller.workspace_id).bots().has_moved(id).await? {
        return Err(BotError::Moved);
    }
    drop(tx);

    change(cx, caller, id, Bot::start).await
}

/// Stops a bot. Telegram keeps the customers' messages for up to a day.
pub async fn stop(cx: Cx<'_>, caller: &Caller, id: ChannelId) -> Result<Bot, BotError> {
    change(cx, caller, id, Bot::stop).await
}

/// Changes how updates of a bot are received, and its owner's commands; what is not given stays as
/// it is.
///
/// # Errors
///
/// [`BotError::Unacceptable`] for a webhook where Telegram has no address to call.
pub async fn update(
    cx: Cx<'_>,
    caller: &Caller,
    id: ChannelId,
    mode: Option<BotMode>,
    commands: Option<Vec<OwnerCommand>>,
) -> Result<Bot, BotError> {
    cx.webhooks.check(mode)?;
    check_commands(commands.as_deref().unwrap_or_default())?;
    let by = caller.actor();
    let now = cx.engine.clock.now();
    repeated(|| async {
        let mut tx = cx.engine.db.begin().await?;
        let found = tx.workspace(caller.workspace_id).bots().lock(id).await?;
        let bot = found.ok_or(Missing("bot"))?;

        let received = mode.and_then(|mode| bot.clone().set_mode(mode, &by, now));
        let bot = enact(&mut tx, bot, received).await?;
        let known = commands.clone();
        let answered = known.and_then(|commands| bot.clone().set_commands(commands, &by, now));
        let bot = enact(&mut tx, bot, answered).await?;
        tx.commit().await?;
        Ok(bot)
    })
    .await
}

/// Refuses more commands than a bot may have, and two of one name.
fn check_commands(commands: &[OwnerCommand]) -> Result<(), Unacceptable> {
    if commands.len() > OwnerCommand::MOST {
        return Err(Unacceptable::new("commands", "has more than 50 commands"));
    }
    let names: HashSet<&str> = commands.iter().map(|own| own.command.as_str()).collect();
    if names.len() < commands.len() {
        return Err(Unacceptable::new("commands", "has two commands of one name"));
    }
    Ok(())
}

/// Changes a bot. A change that changes nothing is neither recorded nor announced.
async fn change(
    cx: Cx<'_>,
    caller: &Caller,
    id: ChannelId,
    rule: impl Fn(Bot, &Actor, DateTime<Utc>) -> Option<Change<Bot>>,
) -> Result<Bot, BotError> {
    repeated(|| async {
        let mut tx = cx.engine.db.begin().await?;
        let found = tx.workspace(caller.workspace_id).bots().lock(id).await?;
        let bot = found.ok_or(Missing("bot"))?;
        let change = rule(bot.clone(), &caller.actor(), cx.engine.clock.now());
        let bot = enact(&mut tx, bot, change).await?;
        tx.commit().await?;
        Ok(bot)
    })
    .await
}

/// Applies a change to a bot, if there is one.
async fn enact(tx: &mut Tx, bot: Bot, change: Option<Change<Bot>>) -> Result<Bot, BotError> {
    let Some(change) = change else { return Ok(bot) };
    tx.apply(change).await.map_err(|error| match error {
        // It moved away since it was found.
        StorageError::RowsAffected { .. } => Missing("bot").into(),
        error => BotError::Storage(error),
    })
}

/// Gives a bot its newest token, where it is: it keeps its id, its dialogs and its settings, and
/// runs with it at once unless it was stopped. Telegram is asked whether it is a token of this bot.
///
/// Telegram may take long to answer: `still_may` is called after that, and its error ends the
/// change.
pub async fn replace_token<E, F>(
    cx: Cx<'_>,
    caller: &Caller,
    id: ChannelId,
    token: SecretString,
    still_may: impl Fn() -> F,
) -> Result<Bot, E>
where
    E: From<BotError>,
    F: Future<Output = Result<(), E>>,
{
    let me = ask_renewed(cx, caller, id, &token).await?;
    still_may().await?;
    Ok(repeated(|| renew(cx, caller, id, &token, &me)).await?)
}

/// Asks Telegram about a token that a bot is to have.
async fn ask_renewed(
    cx: Cx<'_>,
    caller: &Caller,
    id: ChannelId,
    token: &SecretString,
) -> Result<BotProfile, BotError> {
    let mut tx = cx.engine.db.read().await?;
    let found = tx.workspace(caller.workspace_id).bots().credentials(id).await?;
    let found = found.ok_or(Missing("bot"))?;
    if tx.workspace(caller.workspace_id).bots().has_moved(id).await? {
        return Err(BotError::Moved);
    }
    drop(tx);

    let stored = cx.engine.keys.open(&found.token_sealed, id.into_uuid().as_bytes());
    if stored.is_ok_and(|stored| stored.expose_secret() == token.expose_secret()) {
        return Err(BotError::Unchanged);
    }
    let me = cx.engine.channels.telegram.bot(token).get_me().await;
    let me = me.map_err(|error| refused(&error))?;
    if me.id != found.bot.telegram_id {
        return Err(BotError::Other(me.username));
    }
    Ok(me)
}

async fn renew(
    cx: Cx<'_>,
    caller: &Caller,
    id: ChannelId,
    token: &SecretString,
    me: &BotProfile,
) -> Result<Bot, BotError> {
    let mut tx = cx.engine.db.begin().await?;
    let bot = tx.workspace(caller.workspace_id).bots().lock(id).await?.ok_or(Missing("bot"))?;
    // It may have moved while Telegram was asked.
    if tx.workspace(caller.workspace_id).bots().has_moved(id).await? {
        return Err(BotError::Moved);
    }

    let sealed = cx.engine.keys.seal(token, id.into_uuid().as_bytes());
    let now = cx.engine.clock.now();
    let change = bot.renew_token(sealed, me.username.clone(), &caller.actor(), now);
    let renewed = tx.apply(change).await?;
    tx.commit().await?;
    Ok(renewed.bot)
}

/// Deletes a bot and its token. Its dialogs stay.
pub async fn delete(cx: Cx<'_>, caller: &Caller, id: ChannelId) -> Result<(), ChannelError> {
    delete_of(cx, caller, id, |kind| kind == ChannelKind::Telegram, "bot").await
}
