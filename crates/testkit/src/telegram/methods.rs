//! What the methods of the Bot API do.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    bot::{BotCore, Refused},
    buttons, commands,
    dialog::{ChatAction, Sent},
    files::{self, Hearing},
    html::{self, Formatted},
    inbox::Poll,
    reach::{keep_limits, reachable_chat, text},
    schema::Schema,
    standing::{self, Standing},
    unix_time,
    webhook::{CarryOut, Webhook},
    wire::{Answer, METHODS, Refusal, Upload},
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
    (parameters, uploads): (&Parameters, &[Upload]),
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
        "answerCallbackQuery" => buttons::answer(bot, parameters)?,
        "setMyCommands" => commands::set(bot, parameters)?,
        "deleteMyCommands" => commands::delete(bot, parameters)?,
        "getMyCommands" => {
            let menu = commands::get(bot, parameters)?;
            check_result(bot, "res.getMyCommands", &menu);
            Answer::new(&menu)
        }
        "sendDocument" => {
            let hearing = if answered { Hearing::Heard } else { Hearing::Lost };
            let message = files::send_document(bot, parameters, uploads, hearing)?;
            check_result(bot, "res.sendDocument", &message);
            Answer::new(&message)
        }
        "getFile" => {
            let file = files::get_file(bot, parameters)?;
            check_result(bot, "res.getFile", &file);
            Answer::new(&file)
        }
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

fn set_webhook(bot: &Arc<BotCore>, parameters: &Parameters) -> Result<Answer, Refusal> {
    let url = text(parameters, "url").unwrap_or_default();
    if url.is_empty() {
        return Ok(delete_webhook(bot, parameters));
    }
    let webhook = Webhook::new(
        url,
        text(parameters, "secret_token").map(str::to_owned),
        parameters.get("max_connections").and_then(Value::as_i64),
        &bot.shared,
        carries_out(bot),
    )?;
    let allowed = strings(parameters, "allowed_updates");
    bot.inbox.set_webhook(Some(Arc::new(webhook)), allowed, drops_pending(parameters));
    Ok(Answer { result: "true".to_owned(), description: Some("Webhook was set") })
}

/// Carries out the calls in the answers of a webhook, as if the bot had made them.
fn carries_out(bot: &Arc<BotCore>) -> CarryOut {
    let bot = Arc::downgrade(bot);
    CarryOut(Box::new(move |named, parameters| {
        let bot = bot.clone();
        Box::pin(async move {
            let Some(bot) = bot.upgrade() else { return };
            let known = METHODS.iter().find(|known| known.eq_ignore_ascii_case(&named));
            let Some(&method) = known else {
                return bot
                    .shared
                    .violation(format!("`{named}` is not a method that the fake knows"));
            };
            if let Err(refusal) = call(&bot, method, (&parameters, &[]), true).await {
                let Refusal { code, description, .. } = refusal;
                bot.refused(Refused { method: method.to_owned(), code, description });
            }
        })
    }))
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
    let buttons = buttons::read(bot, parameters)?;
    let chat = reachable_chat(bot, parameters)?;
    let standing = Standing::read(&chat, parameters)?;
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
    if !buttons.is_empty() {
        message["reply_markup"] = buttons::describe(&buttons);
    }
    standing.describe(&mut message);
    chat.keep(bot.shared.history, |seq| Sent {
        seq,
        chat_id: chat.id,
        message_id,
        at: Instant::now(),
        text: source.to_owned(),
        plain: formatted.text,
        parse_mode: parse_mode.map(str::to_owned),
        reply_to: standing.reply_to,
        topic: standing.topic,
        buttons,
        file: None,
        answered,
    });
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
    let topic = standing::topic(&chat, parameters)?;
    let mut state = chat.lock();
    state.actions.push_back(ChatAction { at: Instant::now(), action: action.to_owned(), topic });
    while state.actions.len() > bot.shared.history {
        state.actions.pop_front();
    }
    Ok(Answer::new(&Value::Bool(true)))
}

fn strings(parameters: &Parameters, name: &str) -> Option<Vec<String>> {
    let list = parameters.get(name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
