//! What the methods of the Bot API do.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    bot::{BotCore, lock},
    dialog::{ChatAction, ChatCore, Sent},
    html::{self, Formatted},
    inbox::Poll,
    limits::Enforcement,
    schema::Schema,
    unix_time,
    webhook::Webhook,
    wire::{Answer, Refusal},
};

const TEXT_LIMIT: usize = 4096;
const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

type Parameters = Map<String, Value>;

/// Carries out a call. `answered` is false when the bot will not hear of it.
///
/// # Errors
///
/// Refuses what Telegram refuses.
pub(crate) async fn call(
    bot: &Arc<BotCore>,
    method: &str,
    parameters: &Parameters,
    answered: bool,
) -> Result<Answer, Refusal> {
    if bot.shared.checks {
        check_request(bot, method, parameters)?;
    }

    let answer = match method {
        "getMe" => Answer::new(&bot.me()),
        "getUpdates" => return get_updates(bot, parameters).await,
        "setWebhook" => set_webhook(bot, parameters)?,
        "deleteWebhook" => delete_webhook(bot, parameters),
        "getWebhookInfo" => Answer::new(&webhook_info(bot)),
        "sendMessage" => {
            let message = send_message(bot, parameters, answered)?;
            check_result(bot, "res.sendMessage", &message);
            Answer::new(&message)
        }
        "sendChatAction" => send_chat_action(bot, parameters)?,
        _ => return Err(Refusal::new(404, "Not Found")),
    };

    Ok(answer)
}

fn check_request(bot: &BotCore, method: &str, parameters: &Parameters) -> Result<(), Refusal> {
    let schema = Schema::get();
    let mut parameters = parameters.clone();
    // Its length is limited after its entities are parsed, which the schema cannot say.
    if method == "sendMessage" && parameters.get("text").is_some_and(Value::is_string) {
        parameters.insert("text".to_owned(), "text".into());
    }
    schema.check_parameters(method, &parameters).map_err(|fault| {
        bot.shared.violation(format!("{method}: {fault}"));
        match (parameters.contains_key("chat_id"), parameters.contains_key("text")) {
            (false, _) if method.starts_with("send") => Refusal::bad_request("chat_id is empty"),
            (_, false) if method == "sendMessage" => Refusal::bad_request("message text is empty"),
            _ => Refusal::bad_request(fault),
        }
    })
}

/// The fake must keep to the schema itself.
fn check_result(bot: &BotCore, name: &str, result: &Value) {
    if bot.shared.checks
        && let Err(fault) = Schema::get().check(name, result)
    {
        bot.shared.violation(format!("the fake's own answer: {fault}"));
    }
}

async fn get_updates(bot: &BotCore, parameters: &Parameters) -> Result<Answer, Refusal> {
    let number = |name| parameters.get(name).and_then(Value::as_i64);
    let seconds = number("timeout").unwrap_or_default().clamp(0, 50).unsigned_abs();
    let limit = number("limit").unwrap_or(100).clamp(1, 100);
    let result = bot
        .inbox
        .poll(Poll {
            offset: number("offset").unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or(100),
            timeout: Duration::from_secs(seconds),
            allowed: strings(parameters, "allowed_updates"),
        })
        .await?;
    Ok(Answer { result, description: None })
}

fn set_webhook(bot: &BotCore, parameters: &Parameters) -> Result<Answer, Refusal> {
    let url = text(parameters, "url").unwrap_or_default();
    if url.is_empty() {
        return Ok(delete_webhook(bot, parameters));
    }
    let webhook = Webhook::new(
        url,
        text(parameters, "secret_token").map(str::to_owned),
        parameters.get("max_connections").and_then(Value::as_i64),
        &bot.shared,
    )?;
    let allowed = strings(parameters, "allowed_updates");
    bot.inbox.set_webhook(Some(Arc::new(webhook)), allowed, drops_pending(parameters));
    Ok(Answer { result: "true".to_owned(), description: Some("Webhook was set") })
}

fn delete_webhook(bot: &BotCore, parameters: &Parameters) -> Answer {
    let description = match bot.inbox.webhook() {
        Some(_) => "Webhook was deleted",
        None => "Webhook is already deleted",
    };
    bot.inbox.set_webhook(None, None, drops_pending(parameters));
    Answer { result: "true".to_owned(), description: Some(description) }
}

fn drops_pending(parameters: &Parameters) -> bool {
    parameters.get("drop_pending_updates").and_then(Value::as_bool).unwrap_or_default()
}

fn webhook_info(bot: &BotCore) -> Value {
    let mut info = json!({
        "url": "",
        "has_custom_certificate": false,
        "pending_update_count": bot.inbox.pending(),
    });
    if let Some(webhook) = bot.inbox.webhook() {
        webhook.describe(&mut info);
    }
    let allowed = bot.inbox.allowed();
    if !allowed.is_empty() {
        info["allowed_updates"] = allowed.into();
    }
    check_result(bot, "res.getWebhookInfo", &info);
    info
}

fn send_message(bot: &BotCore, parameters: &Parameters, answered: bool) -> Result<Value, Refusal> {
    let source = text(parameters, "text").unwrap_or_default();
    let parse_mode = text(parameters, "parse_mode").filter(|mode| !mode.is_empty());
    let formatted = format(bot, source, parse_mode, parameters)?;
    let chat = reachable_chat(bot, parameters)?;
    keep_limits(bot, &chat)?;

    let message_id = bot.next_message_id();
    let mut message = json!({
        "message_id": message_id,
        "from": bot.user(),
        "chat": chat.describe(),
        "date": unix_time(),
        "text": formatted.text,
    });
    if !formatted.entities.is_empty() {
        message["entities"] = formatted.entities.into();
    }
    let reply_to =
        parameters.get("reply_parameters").and_then(|reply| reply["message_id"].as_i64());
    let mut state = chat.lock();
    state.sent_total += 1;
    let sent = Sent {
        seq: state.sent_total,
        chat_id: chat.id,
        message_id,
        at: Instant::now(),
        text: source.to_owned(),
        plain: formatted.text,
        parse_mode: parse_mode.map(str::to_owned),
        reply_to,
        answered,
    };
    state.sent.push_back(Arc::new(sent));
    while state.sent.len() > bot.shared.history {
        state.sent.pop_front();
    }
    drop(state);
    bot.count_sent();
    chat.announce();
    Ok(message)
}

/// The text as people will see it.
fn format(
    bot: &BotCore,
    source: &str,
    parse_mode: Option<&str>,
    parameters: &Parameters,
) -> Result<Formatted, Refusal> {
    let formatted = match parse_mode {
        None => {
            let entities = parameters.get("entities").and_then(Value::as_array).cloned();
            Formatted { text: source.to_owned(), entities: entities.unwrap_or_default() }
        }
        Some(mode) if mode.eq_ignore_ascii_case("html") => html::parse(source)
            .map_err(|why| Refusal::bad_request(format!("can't parse entities: {why}")))?,
        Some(_) => {
            bot.shared.violation("sendMessage: the fake reads no `parse_mode` but HTML".to_owned());
            return Err(Refusal::bad_request("unsupported parse_mode"));
        }
    };

    if formatted.text.trim().is_empty() {
        return Err(Refusal::bad_request("message text is empty"));
    }
    if formatted.text.encode_utf16().count() > TEXT_LIMIT {
        return Err(Refusal::bad_request("message is too long"));
    }

    Ok(formatted.trimmed())
}

fn send_chat_action(bot: &BotCore, parameters: &Parameters) -> Result<Answer, Refusal> {
    let action = text(parameters, "action").unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(Refusal::bad_request("wrong parameter action in request"));
    }
    let chat = reachable_chat(bot, parameters)?;
    let mut state = chat.lock();
    state.actions.push_back(ChatAction { at: Instant::now(), action: action.to_owned() });
    while state.actions.len() > bot.shared.history {
        state.actions.pop_front();
    }
    Ok(Answer::new(&Value::Bool(true)))
}

/// The chat that a call is about.
pub(crate) fn chat_id(parameters: &Parameters) -> Option<i64> {
    let id = parameters.get("chat_id")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

fn reachable_chat(bot: &BotCore, parameters: &Parameters) -> Result<Arc<ChatCore>, Refusal> {
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
fn keep_limits(bot: &BotCore, chat: &ChatCore) -> Result<(), Refusal> {
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

fn text<'p>(parameters: &'p Parameters, name: &str) -> Option<&'p str> {
    parameters.get(name).and_then(Value::as_str)
}

fn strings(parameters: &Parameters, name: &str) -> Option<Vec<String>> {
    let list = parameters.get(name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
