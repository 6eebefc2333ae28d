//! What the program tells a customer who is in people's hands: who answers.
//!
//! It is a fixed text of the assistant's owner, in the customer's language. It goes the way of
//! every reply, and the next change of control cancels what of it has not left.
//!
//! A customer is told who answers when a person takes the dialog over or is given it, unless that
//! person is the one whom they heard last. Whoever takes it over by answering is not announced: the
//! answer speaks. Neither is a program with a key, nor a person without a name of their own.

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{AssistantSettings, FixedText, Language},
    channel::Channel,
    dialog::{Contact, Dialog, Operator},
    ids::{AssistantId, WorkspaceId},
    message::Author,
    name,
    rules::dialog::{Announcement, Utterance},
};
use replyx_storage::{StorageError, Tx};

use crate::{Engine, sending, speech};

/// How many of the last words of a dialog show the customer's language.
const LOOKED_AT: u32 = 20;

/// Tells the customer which operator has the dialog now. Returns the dialog as it is then.
pub(crate) async fn operator(
    engine: &Engine,
    tx: &mut Tx,
    dialog: Dialog,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<Dialog, StorageError> {
    let Some(operator) = dialog.assignee.clone().filter(is_presentable) else { return Ok(dialog) };
    let workspace = dialog.workspace_id;
    let Some(settings) = settings(tx, workspace, dialog.assistant_id).await? else {
        return Ok(dialog);
    };
    if !settings.handoff.announce_operator {
        return Ok(dialog);
    }
    let known = tx.workspace(workspace).messages().known_operator(dialog.id).await?;
    if known == operator.user_id {
        return Ok(dialog);
    }
    let Some(channel) = passable(tx, &dialog, contact).await? else { return Ok(dialog) };

    let text = settings.say(FixedText::OperatorJoined, language(tx, &dialog, &settings).await?);
    let text = text.replace(FixedText::NAME, operator.name.trim());
    let words = Announcement { id: engine.clock.id(), text, operator: Some(operator) };
    say(engine, tx, (dialog, contact, &channel), words, now).await
}

/// Has somebody a name that a customer may be told? One who has none is called by their address.
fn is_presentable(operator: &Operator) -> bool {
    let name = operator.name.trim();
    operator.user_id.is_some() && !name.is_empty() && name::check(name).is_ok()
}

/// What the published version of an assistant is set to.
pub(crate) async fn settings(
    tx: &mut Tx,
    workspace: WorkspaceId,
    assistant: AssistantId,
) -> Result<Option<AssistantSettings>, StorageError> {
    let published = tx.workspace(workspace).assistants().published(assistant).await?;
    Ok(published.map(|version| version.settings))
}

/// The channel, if something can be delivered through it to the contact.
pub(crate) async fn passable(
    tx: &mut Tx,
    dialog: &Dialog,
    contact: &Contact,
) -> Result<Option<Channel>, StorageError> {
    if contact.blocked_at.is_some() {
        return Ok(None);
    }
    tx.workspace(dialog.workspace_id).channels().find(dialog.channel_id).await
}

/// The language in which the customer is spoken to.
pub(crate) async fn language(
    tx: &mut Tx,
    dialog: &Dialog,
    settings: &AssistantSettings,
) -> Result<Language, StorageError> {
    let messages = tx.workspace(dialog.workspace_id).messages();
    let spoken = messages.spoken(dialog.id, dialog.last_seq, LOOKED_AT).await?;
    let customer = spoken.iter().rev().filter(|said| said.author == Author::Customer);
    let mut words = customer.map(|said| said.text.as_str());
    let last = words.next().unwrap_or_default();
    Ok(speech::language(last, words, settings.language))
}

/// Says something to the customer in the assistant's stead.
pub(crate) async fn say(
    engine: &Engine,
    tx: &mut Tx,
    (dialog, contact, channel): (Dialog, &Contact, &Channel),
    words: Announcement,
    now: DateTime<Utc>,
) -> Result<Dialog, StorageError> {
    let said = tx.apply(dialog.announce(words, now)).await?;
    let Utterance { dialog, message, .. } = said;
    let parts = engine.channels.of(channel.kind).render(&message.text);
    let parts = sending::answering(tx, &dialog, contact, parts).await?;
    sending::send(engine, tx, (&dialog, contact), &message, parts).await?;
    Ok(dialog)
}
