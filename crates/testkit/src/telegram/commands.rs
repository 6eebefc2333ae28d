//! The calls that set, show and delete menus of commands.

use serde_json::{Map, Value, json};

use super::{
    bot::{BotCore, lock},
    reach::text,
    wire::{Answer, Refusal},
};

/// At most so many commands are in a menu.
const MOST: usize = 100;
/// The longest name of a command.
const NAME: usize = 32;
/// The longest description, characters.
const DESCRIPTION: usize = 256;

/// `setMyCommands`.
///
/// # Errors
///
/// Refuses commands that Telegram refuses.
pub(crate) fn set(bot: &BotCore, parameters: &Map<String, Value>) -> Result<Answer, Refusal> {
    let key = key(parameters)?;
    let commands = parameters.get("commands").and_then(Value::as_array);
    let commands = commands.cloned().unwrap_or_default();
    if commands.len() > MOST {
        return Err(Refusal::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in &commands {
        let name = command["command"].as_str().unwrap_or_default();
        let is_own = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=NAME).contains(&name.len()) || !name.bytes().all(is_own) {
            return Err(Refusal::bad_request("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default();
        if description.trim().is_empty() || description.chars().count() > DESCRIPTION {
            return Err(Refusal::bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }

    let mut state = lock(&bot.menus);
    state.calls += 1;
    if commands.is_empty() {
        state.menus.remove(&key);
    } else {
        state.menus.insert(key, commands);
    }
    Ok(Answer::new(&json!(true)))
}

/// `deleteMyCommands`.
///
/// # Errors
///
/// Refuses what is no language.
pub(crate) fn delete(bot: &BotCore, parameters: &Map<String, Value>) -> Result<Answer, Refusal> {
    let key = key(parameters)?;
    lock(&bot.menus).menus.remove(&key);
    Ok(Answer::new(&json!(true)))
}

/// `getMyCommands`: the menu of just this scope and language.
///
/// # Errors
///
/// Refuses what is no language.
pub(crate) fn get(bot: &BotCore, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    let key = key(parameters)?;
    Ok(lock(&bot.menus).menus.get(&key).cloned().unwrap_or_default().into())
}

fn key(parameters: &Map<String, Value>) -> Result<(String, String), Refusal> {
    let scope = parameters.get("scope").cloned().unwrap_or_else(|| json!({"type": "default"}));
    let language = text(parameters, "language_code").unwrap_or_default();
    let is_code = language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase());
    if !language.is_empty() && !is_code {
        return Err(Refusal::bad_request("invalid language code specified"));
    }
    Ok((scope.to_string(), language.to_owned()))
}
