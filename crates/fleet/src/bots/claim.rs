//! Who a bot belongs to: the workspace with a token that Telegram accepts, unless the token that is
//! stored works as well.
//!
//! A bot's owner can replace its token at any time, and then the old one is worth nothing. So
//! nobody keeps a bot who once saw a token of it. [`register`] asks Telegram about the stored token
//! without a transaction, and then changes rows only if they are still those that it asked about;
//! of two who claim a bot at once, one gets it.

use std::future::Future;

use replyx_accounts::notices;
use replyx_channels::telegram::{BotProfile, TelegramError};
use replyx_core::{
    actor::Caller,
    bot::{Bot, BotMode},
    change::New,
    channel::ChannelStatus,
    ids::AssistantId,
    mail::Mail,
    refusal::Missing,
    rules::channel::Takeover,
};
use replyx_storage::{StorageError, Tx, bots::Credentials, repeated};
use secrecy::{ExposeSecret, SecretString};

use super::BotError;
use crate::{Cx, hooks::new_path};

/// How often it is looked who has the bot: each time, somebody else has claimed it in the meantime.
const TRIES: u32 = 4;
/// What the former owner reads.
const MOVED: &str = "the bot was connected elsewhere with a newer token; connect it again with its newest token to have it back";

/// A bot with a token that Telegram accepts, and where it is to work.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) me: BotProfile,
    pub(super) token: SecretString,
    pub(super) assistant: AssistantId,
    pub(super) mode: BotMode,
}

/// Who has the bot, with a token that is dead, and the letters that tell the owners that they lose
/// it.
#[derive(Debug)]
struct Former {
    holder: Credentials,
    letters: Vec<Mail>,
}

/// Registers the bot, and takes it from the workspace whose token is dead.
///
/// # Errors
///
/// [`BotError::Exists`] when the stored token works, [`BotError::Unasked`] when Telegram could not
/// be asked about it.
pub(super) async fn register<E, F>(
    cx: Cx<'_>,
    caller: &Caller,
    claim: &Claim,
    still_may: impl Fn() -> F,
) -> Result<Bot, E>
where
    E: From<BotError>,
    F: Future<Output = Result<(), E>>,
{
    for _ in 0..TRIES {
        let former = former(cx, caller, claim).await?;
        // Telegram was asked, which may have taken long.
        still_may().await?;
        if let Some(bot) = repeated(|| settle(cx, caller, claim, former.as_ref())).await? {
            return Ok(bot);
        }
    }
    Err(BotError::Exists.into())
}

/// Who has the bot at present, if anybody.
async fn former(cx: Cx<'_>, caller: &Caller, claim: &Claim) -> Result<Option<Former>, BotError> {
    let mut tx = cx.engine.db.read().await?;
    let holder = tx.system().bots().find_by_telegram_id(claim.me.id).await?;
    drop(tx);
    let Some(holder) = holder else { return Ok(None) };

    refuse_living(cx, claim, &holder).await?;
    let letters = if holder.bot.workspace_id == caller.workspace_id {
        Vec::new()
    } else {
        notices::bot_moved(cx.accounts, &holder.bot).await?
    };
    Ok(Some(Former { holder, letters }))
}

/// Refuses the claim if the token that is stored works, or nobody can tell.
async fn refuse_living(cx: Cx<'_>, claim: &Claim, holder: &Credentials) -> Result<(), BotError> {
    let id = holder.bot.id.into_uuid();
    let stored = cx.engine.keys.open(&holder.token_sealed, id.as_bytes());
    let Ok(stored) = stored else { return Err(BotError::Exists) };
    if stored.expose_secret() == claim.token.expose_secret() {
        return Err(BotError::Exists);
    }

    match cx.engine.channels.telegram.bot(&stored).get_me().await {
        Ok(_) => Err(BotError::Exists),
        Err(TelegramError::Unauthorized) => Ok(()),
        Err(error) => {
            tracing::warn!(error.kind = error.kind(), "could not check the stored bot token");
            Err(BotError::Unasked("the token that is stored"))
        }
    }
}

/// Changes the rows. `None` when the bot is no longer with the `former` holder, of whose token
/// Telegram was asked.
async fn settle(
    cx: Cx<'_>,
    caller: &Caller,
    claim: &Claim,
    former: Option<&Former>,
) -> Result<Option<Bot>, BotError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.engine.db.begin().await?;
    // It may have been deleted while Telegram was asked.
    let known = tx.workspace(workspace).assistants().lock(claim.assistant).await?;
    known.ok_or(Missing("assistant"))?;

    let holder = tx.system().bots().lock_by_telegram_id(claim.me.id).await?;
    let was_asked_about = |found: &Credentials| {
        former.is_some_and(|Former { holder, .. }| {
            holder.bot.id == found.bot.id && holder.token_sealed == found.token_sealed
        })
    };
    if !holder.as_ref().is_none_or(was_asked_about) {
        return Ok(None);
    }

    let rows = rows(&mut tx, caller, claim, holder.map(|found| found.bot)).await?;
    if let Some(theirs) = &rows.theirs {
        let now = cx.engine.clock.now();
        let letters = former.map(|former| former.letters.as_slice()).unwrap_or_default();
        tx.apply(theirs.clone().move_away(MOVED, now)).await?;
        notices::queue(cx.accounts, &mut tx, letters, theirs.workspace_id).await?;
    }

    let Some(bot) = store(cx, &mut tx, caller, claim, &rows).await? else { return Ok(None) };
    tx.commit().await?;
    Ok(Some(bot))
}

/// The rows of a bot that a claim changes.
#[derive(Debug)]
struct Rows {
    /// The one that the assistant has, or had before the bot moved away.
    ours: Option<Bot>,
    /// The one that loses the bot.
    theirs: Option<Bot>,
}

async fn rows(
    tx: &mut Tx,
    caller: &Caller,
    claim: &Claim,
    holder: Option<Bot>,
) -> Result<Rows, StorageError> {
    let workspace = caller.workspace_id;
    let is_ours = |bot: &Bot| bot.workspace_id == workspace && bot.assistant_id == claim.assistant;
    if holder.as_ref().is_some_and(is_ours) {
        return Ok(Rows { ours: holder, theirs: None });
    }

    let ours = tx.workspace(workspace).bots().lock_former(claim.me.id, claim.assistant).await?;
    Ok(Rows { ours, theirs: holder })
}

/// Stores the bot with its token: in the row that the assistant has of it, or in a new one. `None`
/// when somebody else has just registered it.
async fn store(
    cx: Cx<'_>,
    tx: &mut Tx,
    caller: &Caller,
    claim: &Claim,
    Rows { ours, theirs }: &Rows,
) -> Result<Option<Bot>, StorageError> {
    let clock = &cx.engine.clock;
    let now = clock.now();
    let bot = Bot {
        id: ours.as_ref().map_or_else(|| clock.id(), |ours| ours.id),
        workspace_id: caller.workspace_id,
        assistant_id: claim.assistant,
        telegram_id: claim.me.id,
        username: claim.me.username.clone(),
        mode: claim.mode,
        commands: ours.as_ref().map_or_else(Vec::new, |ours| ours.commands.clone()),
        status: ChannelStatus::Running,
        error: None,
        created_at: ours.as_ref().map_or(now, |ours| ours.created_at),
        updated_at: now,
    };

    let sealed = cx.engine.keys.seal(&claim.token, bot.id.into_uuid().as_bytes());
    let takeover = if theirs.is_some() { Takeover::FromOther } else { Takeover::None };
    let actor = caller.actor();
    let stored = if ours.is_some() {
        tx.apply(bot.replace_token(sealed, takeover, &actor)).await.map(|it| it.bot)
    } else {
        let hook_path = new_path(bot.id);
        let change = bot.create(sealed, hook_path, takeover, &actor);
        tx.apply(change).await.map(|New(it)| it.bot)
    };
    match stored {
        Ok(bot) => Ok(Some(bot)),
        Err(error) if error.is_duplicate() => Ok(None),
        Err(error) => Err(error),
    }
}
