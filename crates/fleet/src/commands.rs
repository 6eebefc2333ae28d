//! Keeps the menus of commands at Telegram in step with what the bots answer.
//!
//! What was set is stored as a hash, so a start of the program sets nothing again. Apps in Russian
//! see the Russian menu, all others the English one; the owner's commands stand in both.

use std::{error::Error, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use replyx_channels::telegram::{BotClient, TelegramError};
use replyx_core::{
    assistant::Language,
    command::{OwnerCommand, menu},
    secret::sha256_hex,
};
use replyx_engine::Engine;
use replyx_storage::{StorageError, bots::Credentials};
use tokio::time::timeout;

/// How many bots are told to Telegram at once: nobody waits for a menu.
const AT_ONCE: usize = 4;
/// How long one bot may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// For which apps a menu is set, and in which language it is written.
const MENUS: [(Option<&str>, Language); 2] =
    [(None, Language::English), (Some("ru"), Language::Russian)];

/// Whether Telegram has been told other commands than the bot has.
pub(crate) fn differ(found: &Credentials) -> bool {
    found.commands_set.as_deref() != Some(hash(&found.bot.commands).as_str())
}

/// All that is set of these commands, as a hash.
fn hash(own: &[OwnerCommand]) -> String {
    let menus = MENUS.map(|(app, language)| (app, menu(own, language)));
    sha256_hex(format!("{menus:?}").as_bytes())
}

/// Sets the menus of these bots; `false` if some could not be set.
pub(crate) async fn set(engine: Arc<Engine>, bots: Vec<Credentials>) -> bool {
    let engine = &engine;
    let set = stream::iter(bots).map(|found| async move {
        let id = found.bot.id;
        match timeout(PATIENCE, set_one(engine, &found)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(bot.id = %id, error = &error as &dyn Error, "could not set the commands of a bot");
                false
            }
            Err(_) => {
                tracing::warn!(bot.id = %id, "setting the commands of a bot timed out");
                false
            }
        }
    });
    // Not `all`, which would leave the others once one could not be set.
    set.buffer_unordered(AT_ONCE).fold(true, |all, is_set| async move { all && is_set }).await
}

/// The menu of a bot could not be set.
#[derive(Debug, thiserror::Error)]
enum MenuError {
    #[error("its token cannot be opened")]
    Sealed,
    #[error(transparent)]
    Telegram(#[from] TelegramError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

async fn set_one(engine: &Engine, found: &Credentials) -> Result<(), MenuError> {
    let id = found.bot.id;
    let token = engine.keys.open(&found.token_sealed, id.into_uuid().as_bytes());
    let client: BotClient = engine.channels.telegram.bot(&token.map_err(|_| MenuError::Sealed)?);
    let own = &found.bot.commands;
    for (app, language) in MENUS {
        client.set_commands(&menu(own, language), app).await?;
    }

    let mut tx = engine.db.begin().await?;
    tx.system().bots().note_commands(found.bot.workspace_id, id, &hash(own)).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_text_of_a_command_changes_no_menu_and_another_description_does() {
        let own = |description: &str, text: &str| {
            let command = "prices".to_owned();
            vec![OwnerCommand { command, description: description.into(), text: text.into() }]
        };
        assert_eq!(hash(&own("a", "b")), hash(&own("a", "c")));
        assert_ne!(hash(&own("a", "b")), hash(&own("b", "b")));
        assert_ne!(hash(&own("a", "b")), hash(&[]));
    }
}
