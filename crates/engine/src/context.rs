//! Step 1: what was said before, and how the assistant is to answer.

use replyx_core::{
    assistant::{Assistant, Settings},
    dialog::{Contact, Dialog},
    message::{Author, Message, MessageKind},
};
use replyx_storage::{StorageError, turns::ClaimedTurn};
use secrecy::SecretString;

use crate::Engine;

/// How much of what a customer wrote without waiting for an answer is answered, bytes.
const QUESTION: usize = 16_000;

/// What a turn knows when it begins.
#[derive(Debug)]
pub struct Context {
    /// The dialog as it was then; settling compares its epoch.
    pub dialog: Dialog,
    /// The customer.
    pub contact: Contact,
    /// How to answer.
    pub assistant: Settings,
    /// The model to ask.
    pub model: String,
    /// What the customer has said since the last answer, oldest first.
    pub pending: Vec<Message>,
    /// What was said before that, oldest first, bounded.
    pub history: Vec<Message>,
    /// The bot's token, to show it typing; absent when it cannot be opened.
    pub token: Option<SecretString>,
}

impl Context {
    /// The customer's words that are to be answered, one message a line: the newest that fit into
    /// 16,000 bytes, and the last one in any case.
    pub fn question(&self) -> String {
        let mut room = QUESTION;
        let mut texts: Vec<&str> = self
            .pending
            .iter()
            .rev()
            .filter(|message| message.kind == MessageKind::Text)
            .map(|message| message.text.as_str())
            .enumerate()
            .take_while(|(number, text)| {
                let fits = text.len() <= room;
                room = room.saturating_sub(text.len());
                fits || *number == 0
            })
            .map(|(_, text)| text)
            .collect();
        texts.reverse();
        texts.join("\n")
    }
}

/// Loads what a turn needs. `None`: the dialog, its assistant or its bot is no longer there.
///
/// # Errors
///
/// Fails when the database does.
pub async fn load(engine: &Engine, turn: &ClaimedTurn) -> Result<Option<Context>, StorageError> {
    let workspace = turn.workspace_id;
    let mut tx = engine.db.read().await?;
    let Some(dialog) = tx.workspace(workspace).dialogs().find(turn.dialog_id).await? else {
        return Ok(None);
    };
    let Some(contact) = tx.workspace(workspace).contacts().find(dialog.contact_id).await? else {
        return Ok(None);
    };
    let assistant = tx.workspace(workspace).assistants().find(dialog.assistant_id).await?;
    let Some(Assistant { settings, .. }) = assistant else { return Ok(None) };
    let bot = tx.workspace(workspace).bots().credentials(dialog.bot_id).await?;
    let Some(bot) = bot else { return Ok(None) };
    let asked = u32::try_from(dialog.heard_seq - dialog.answered_seq).unwrap_or_default();
    let limit = engine.settings.history.saturating_add(asked.min(100));
    let messages =
        tx.workspace(workspace).messages().recent(dialog.id, dialog.heard_seq, limit).await?;
    drop(tx);

    let (pending, history) = messages.into_iter().partition(|message| {
        message.author == Author::Customer && message.seq > dialog.answered_seq
    });
    let token = engine.keys.open(&bot.token_sealed, bot.bot.id.into_uuid().as_bytes()).ok();
    let model = engine.models.resolve(settings.model.as_deref()).to_owned();
    Ok(Some(Context { dialog, contact, assistant: settings, model, pending, history, token }))
}
