//! Who a bot belongs to: the workspace with a token that Telegram accepts, unless the token that is
//! stored works as well.
//!
//! A bot's owner can replace its token at any time, and then the old one is worth nothing. So
//! nobody keeps a bot who once saw a token of it. [`register`] asks Telegram about the stored token
//! without a transaction, and then changes rows only if they are still those that it asked about;
//! of two who claim a bot at once, one gets it.

use replyx_accounts::notices;
use replyx_channels::telegram::{Me, TelegramError};
use replyx_core::{
    audit::{Act, ActorKind, Outcome},
    bot::{Bot, BotMode},
    channel::ChannelStatus,
    ids::{AssistantId, WorkspaceId},
    mail::Mail,
};
use replyx_fleet::hooks::new_path;
use replyx_storage::{Tx, bots::Credentials};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    caller::{BotsWrite, Caller, May},
    error::{ApiError, ApiResult},
    state::AppState,
};

/// How often it is looked who has the bot: each time, somebody else has claimed it in the meantime.
const TRIES: u32 = 4;
/// What the former owner reads.
const MOVED: &str = "the bot was connected elsewhere with a newer token; connect it again with its newest token to have it back";

/// A bot with a token that Telegram accepts, and where it is to work.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) me: Me,
    pub(super) token: SecretString,
    pub(super) assistant: AssistantId,
    pub(super) mode: BotMode,
}

/// Registers the bot, and takes it from the workspace whose token is dead.
///
/// # Errors
///
/// 409 `bot_exists` when the stored token works, 502 when Telegram could not be asked about it, 404
/// when the assistant is gone.
pub(super) async fn register(
    state: &AppState,
    caller: &May<BotsWrite>,
    claim: &Claim,
) -> ApiResult<Bot> {
    for _ in 0..TRIES {
        let holder =
            state.db().read().await?.system().bots().find_by_telegram_id(claim.me.id).await?;
        if let Some(holder) = &holder {
            refuse_living(state, claim, holder).await?;
        }
        let letters = match &holder {
            Some(holder) if holder.bot.workspace_id != caller.workspace_id => {
                notices::bot_moved(&state.accounts, &holder.bot).await?
            }
            _ => Vec::new(),
        };
        // Telegram was asked, which may have taken long.
        caller.still_may(state).await?;
        if let Some(bot) = settle(state, caller, claim, holder.as_ref(), &letters).await? {
            return Ok(bot);
        }
    }
    Err(exists())
}

fn exists() -> ApiError {
    let detail = "this bot is registered already; if it is yours, have `@BotFather` revoke its token and show the new one";
    ApiError::Conflict { code: "bot_exists", detail: detail.to_owned() }
}

/// Refuses the claim if the token that is stored works, or nobody can tell.
async fn refuse_living(state: &AppState, claim: &Claim, holder: &Credentials) -> ApiResult<()> {
    let stored = state.keys().open(&holder.token_sealed, holder.bot.id.into_uuid().as_bytes());
    let Ok(stored) = stored else { return Err(exists()) };
    if stored.expose_secret() == claim.token.expose_secret() {
        return Err(exists());
    }
    match state.engine.channels.telegram.bot(&stored).get_me().await {
        Ok(_) => Err(exists()),
        Err(TelegramError::Unauthorized) => Ok(()),
        Err(error) => {
            tracing::warn!(error.kind = error.kind(), "could not check the stored bot token");
            let detail = "Telegram could not be asked about the token that is stored; try again";
            Err(ApiError::BadGateway(detail.to_owned()))
        }
    }
}

/// Changes the rows. `None` when the bot is no longer with `dead`, of whose token Telegram was
/// asked.
async fn settle(
    state: &AppState,
    caller: &Caller,
    claim: &Claim,
    dead: Option<&Credentials>,
    letters: &[Mail],
) -> ApiResult<Option<Bot>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    // It may have been deleted while Telegram was asked.
    let known = tx.workspace(workspace).assistants().lock(claim.assistant).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;

    let holder = tx.system().bots().lock_by_telegram_id(claim.me.id).await?;
    let asked_about = |found: &Credentials| {
        dead.is_some_and(|dead| {
            dead.bot.id == found.bot.id && dead.token_sealed == found.token_sealed
        })
    };
    if !holder.as_ref().is_none_or(asked_about) {
        return Ok(None);
    }
    let holder = holder.map(|found| found.bot);
    let is_ours = |bot: &Bot| bot.workspace_id == workspace && bot.assistant_id == claim.assistant;
    let (ours, theirs) = match holder {
        Some(bot) if is_ours(&bot) => (Some(bot), None),
        theirs => {
            let bots = tx.workspace(workspace).bots();
            (bots.lock_former(claim.me.id, claim.assistant).await?, theirs)
        }
    };
    if let Some(theirs) = &theirs {
        let now = state.clock().now();
        tx.workspace(theirs.workspace_id).bots().move_away(theirs, MOVED, now).await?;
        notices::queue(&state.accounts, &mut tx, letters, theirs.workspace_id).await?;
    }
    let Some(bot) = store(state, &mut tx, caller.workspace_id, claim, ours.as_ref()).await? else {
        return Ok(None);
    };
    write_down(&mut tx, caller, &bot, ours.is_some(), theirs.as_ref()).await?;
    tx.commit().await?;
    Ok(Some(bot))
}

/// Stores the bot with its token: in the row that the assistant has of it, or in a new one. `None`
/// when somebody else has just registered it.
async fn store(
    state: &AppState,
    tx: &mut Tx,
    workspace: WorkspaceId,
    claim: &Claim,
    ours: Option<&Bot>,
) -> ApiResult<Option<Bot>> {
    let now = state.clock().now();

    let bot = Bot {
        id: ours.map_or_else(|| state.clock().id(), |ours| ours.id),
        workspace_id: workspace,
        assistant_id: claim.assistant,
        telegram_id: claim.me.id,
        username: claim.me.username.clone(),
        mode: claim.mode,
        status: ChannelStatus::Running,
        error: None,
        created_at: ours.map_or(now, |ours| ours.created_at),
        updated_at: now,
    };

    let sealed = state.keys().seal(&claim.token, bot.id.into_uuid().as_bytes());
    let bots = tx.workspace(workspace).bots();
    let stored = match ours {
        Some(_) => bots.replace_token(&bot, &sealed).await,
        None => bots.insert(&bot, &sealed, &new_path(bot.id)).await,
    };

    match stored {
        Ok(()) => Ok(Some(bot)),
        Err(error) if error.is_duplicate() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes into the audit log of both workspaces what became of the bot. The former owner does not
/// learn who has it now.
async fn write_down(
    tx: &mut Tx,
    caller: &Caller,
    bot: &Bot,
    known: bool,
    theirs: Option<&Bot>,
) -> ApiResult<()> {
    let workspace = caller.workspace_id;
    let now = bot.updated_at;
    let action = if known { "bot.token_replaced" } else { "bot.created" };
    let details = json!({
        "username": bot.username,
        "assistant_id": bot.assistant_id,
        "taken_over": theirs.is_some(),
    });
    let mut acts = vec![(workspace, caller.act(now, action, ("bot", bot.id), details))];
    if let Some(theirs) = theirs {
        let act = Act {
            at: now,
            actor: ActorKind::System,
            actor_id: None,
            actor_name: String::new(),
            action: "bot.moved_away".to_owned(),
            target: "bot".to_owned(),
            target_id: Some(theirs.id.to_string()),
            address: String::new(),
            outcome: Outcome::Done,
            details: json!({"username": theirs.username}),
        };
        acts.push((theirs.workspace_id, act));
    }
    // Each locks a chain: always in one order.
    acts.sort_by_key(|(workspace, _)| *workspace);
    for (workspace, act) in acts {
        tx.workspace(workspace).audit().append(&act).await?;
    }
    Ok(())
}
