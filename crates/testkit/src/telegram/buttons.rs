//! Buttons below messages, and what becomes of a press.

use serde_json::{Map, Value, json};

use super::{
    bot::{BotCore, lock},
    dialog::SentButton,
    reach::text,
    wire::{Answer, Refusal},
};

/// The most bytes that a button may send back.
const DATA_LIMIT: usize = 64;

/// The buttons that a message is to have, row by row.
///
/// # Errors
///
/// Refuses those that Telegram refuses, and those of a kind that the fake does not know.
pub(crate) fn read(
    bot: &BotCore,
    parameters: &Map<String, Value>,
) -> Result<Vec<Vec<SentButton>>, Refusal> {
    let Some(markup) = parameters.get("reply_markup") else { return Ok(Vec::new()) };
    let Some(rows) = markup["inline_keyboard"].as_array() else {
        bot.shared.violation("the fake knows no `reply_markup` but `inline_keyboard`".to_owned());
        return Err(Refusal::bad_request("unsupported reply_markup"));
    };
    let row = |row: &Value| -> Result<Vec<SentButton>, Refusal> {
        row.as_array().into_iter().flatten().map(|button| read_one(bot, button)).collect()
    };
    rows.iter().map(row).collect()
}

fn read_one(bot: &BotCore, button: &Value) -> Result<SentButton, Refusal> {
    let label = button["text"].as_str().unwrap_or_default();
    if label.trim().is_empty() {
        return Err(Refusal::bad_request(
            "can't parse inline keyboard button: text must be non-empty",
        ));
    }
    let actions = button.as_object().into_iter().flatten();
    let actions: Vec<&String> =
        actions.map(|(name, _)| name).filter(|name| *name != "text").collect();
    let [action] = actions.as_slice() else {
        return Err(Refusal::bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ));
    };
    if *action != "callback_data" {
        bot.shared.violation(format!("the fake knows no button with `{action}`"));
        return Err(Refusal::bad_request("unsupported button"));
    }

    let data = button["callback_data"].as_str().unwrap_or_default();
    if data.is_empty() || data.len() > DATA_LIMIT {
        return Err(Refusal::bad_request("BUTTON_DATA_INVALID"));
    }
    Ok(SentButton { label: label.to_owned(), data: data.to_owned() })
}

/// `InlineKeyboardMarkup` of these buttons.
pub(crate) fn describe(buttons: &[Vec<SentButton>]) -> Value {
    let one = |button: &SentButton| json!({"text": button.label, "callback_data": button.data});
    let row = |row: &Vec<SentButton>| row.iter().map(one).collect::<Vec<_>>();
    json!({"inline_keyboard": buttons.iter().map(row).collect::<Vec<_>>()})
}

/// `answerCallbackQuery`: the app of the person who pressed stops waiting.
///
/// # Errors
///
/// Refuses a press that never happened.
pub(crate) fn answer(bot: &BotCore, parameters: &Map<String, Value>) -> Result<Answer, Refusal> {
    let id = text(parameters, "callback_query_id").unwrap_or_default();
    {
        let mut presses = lock(&bot.presses);
        let press = presses.iter_mut().find(|press| press.id == id).ok_or_else(|| {
            Refusal::bad_request(
                "query is too old and response timeout expired or query ID is invalid",
            )
        })?;
        press.answers += 1;
    }
    bot.pressed.notify_waiters();
    Ok(Answer::new(&Value::Bool(true)))
}
