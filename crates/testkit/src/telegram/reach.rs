//! Whether a call reaches the chat that it is about.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    bot::{BotCore, lock},
    dialog::ChatCore,
    limits::Enforcement,
    wire::Refusal,
};

type Parameters = Map<String, Value>;

/// The chat that a call is about.
pub(crate) fn chat_id(parameters: &Parameters) -> Option<i64> {
    let id = parameters.get("chat_id")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

pub(crate) fn reachable_chat(
    bot: &BotCore,
    parameters: &Parameters,
) -> Result<Arc<ChatCore>, Refusal> {
    let chat = chat_id(parameters)
        .and_then(|id| bot.chat(id))
        .ok_or_else(|| Refusal::bad_request("chat not found"))?;
    if let Some(to) = chat.lock().upgraded_to {
        return Err(Refusal::upgraded(to));
    }
    if chat.lock().blocked {
        let why = if chat.is_group() {
            "bot was kicked from the group chat"
        } else {
            "bot was blocked by the user"
        };
        return Err(Refusal::new(403, format!("Forbidden: {why}")));
    }
    Ok(chat)
}

/// Counts the message against the limits, and refuses it when it is past one and they are enforced.
pub(crate) fn keep_limits(bot: &BotCore, chat: &ChatCore) -> Result<(), Refusal> {
    let limits = &bot.shared.limits;
    if limits.enforcement == Enforcement::Off {
        return Ok(());
    }

    let now = Instant::now();
    let chat_rate = if chat.is_group() { limits.per_group } else { limits.per_chat };
    let mut bot_window = lock(&bot.window);
    let mut state = chat.lock();
    let bot_wait = bot_window.wait(limits.per_bot, now);
    let chat_wait = state.window.wait(chat_rate, now);
    if !bot_wait.is_zero() || !chat_wait.is_zero() {
        let mut excess = lock(&bot.excess);
        excess.per_bot += u64::from(!bot_wait.is_zero());
        let of_chat = if chat.is_group() { &mut excess.per_group } else { &mut excess.per_chat };
        *of_chat += u64::from(!chat_wait.is_zero());
        if limits.enforcement == Enforcement::Refuse {
            let wait = bot_wait.max(chat_wait);
            let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(Refusal::too_many_requests(whole));
        }
    }

    bot_window.note(limits.per_bot, now);
    state.window.note(chat_rate, now);

    Ok(())
}

pub(crate) fn text<'p>(parameters: &'p Parameters, name: &str) -> Option<&'p str> {
    parameters.get(name).and_then(Value::as_str)
}
