//! Notices to the owners of a workspace about what happened to it.

use replyx_core::{
    bot::Bot,
    ids::WorkspaceId,
    mail::{Letter, Mail},
};
use replyx_storage::{StorageError, Tx};

use crate::Cx;

/// The letters that tell the owners of a bot's workspace that it was connected elsewhere. Somebody
/// who claims bots over and over fills no mailbox. To be asked for before the transaction begins.
pub async fn bot_moved(cx: &Cx, bot: &Bot) -> Result<Vec<Mail>, StorageError> {
    let mut tx = cx.db.read().await?;
    let workspace = tx.system().workspaces().find(bot.workspace_id).await?;
    let owners = tx.workspace(bot.workspace_id).members().owners_mail().await?;
    drop(tx);

    let workspace = workspace.map(|workspace| workspace.name).unwrap_or_default();
    let mut letters = Vec::new();
    for (to, language) in owners {
        let letter = Letter::BotMoved { workspace: workspace.clone(), bot: bot.username.clone() };
        let mail = Mail { to, language, letter };
        if cx.may_tell(&mail).await {
            letters.push(mail);
        }
    }
    Ok(letters)
}

/// Queues letters of a workspace; they are sent when the transaction commits.
pub async fn queue(
    cx: &Cx,
    tx: &mut Tx,
    letters: &[Mail],
    workspace: WorkspaceId,
) -> Result<(), StorageError> {
    for letter in letters {
        cx.letters.queue_of(tx, letter, workspace).await?;
    }
    Ok(())
}
