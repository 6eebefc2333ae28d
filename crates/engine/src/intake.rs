//! Storing what a channel delivered, and asking for a turn.
//!
//! One transaction: the update is marked as taken, the customer's words are stored, the turn is queued.
//! Only after its commit is the update acknowledged. A repeat changes nothing.

use replyx_core::{
    bot::Bot,
    channel::{Inbound, InboundContent},
    dialog::{Contact, Control, Dialog},
    event::Event,
    ids::{AssistantId, BotId, WorkspaceId},
    message::{Author, Delivery, Message, MessageKind},
};
use replyx_storage::{StorageError, Tx, retried};

use crate::Engine;

mod gather;

pub use gather::{Gatherer, IntakeError};

/// The way an update came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Door {
    /// Whose bot it is.
    pub workspace_id: WorkspaceId,
    /// The bot.
    pub bot_id: BotId,
    /// Who answers through it.
    pub assistant_id: AssistantId,
}

impl From<&Bot> for Door {
    fn from(bot: &Bot) -> Self {
        Self { workspace_id: bot.workspace_id, bot_id: bot.id, assistant_id: bot.assistant_id }
    }
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Words were stored, to be answered.
    Stored,
    /// Something else was noted: the bot was blocked or unblocked, or a group has moved.
    Noted,
    /// It had been taken before; nothing changed.
    Duplicate,
}

impl Accepted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Noted => "noted",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Takes updates of several bots in one transaction. With `poll_offset` (for the only bot of the batch) the
/// place from which to go on polling is stored with them.
///
/// # Errors
///
/// Fails when the database does; then none of them was taken.
pub async fn accept_all(
    engine: &Engine,
    updates: &[(Door, Inbound)],
    poll_offset: Option<(Door, i64)>,
) -> Result<(), StorageError> {
    let outcomes = retried(|| accept_once(engine, updates, poll_offset)).await?;
    for outcome in outcomes {
        metrics::counter!("updates_total", "outcome" => outcome.as_str()).increment(1);
    }
    Ok(())
}

async fn accept_once(
    engine: &Engine,
    updates: &[(Door, Inbound)],
    poll_offset: Option<(Door, i64)>,
) -> Result<Vec<Accepted>, StorageError> {
    // In one order everywhere: two transactions must not wait for each other's contacts in a circle. Groups that move do
    // so first, or what was said in the new chat would begin another dialog.
    let mut sorted: Vec<&(Door, Inbound)> = updates.iter().collect();
    sorted.sort_by_key(|(door, inbound)| {
        let stays = !matches!(inbound.content, InboundContent::Moved { .. });
        (*door, stays, inbound.chat_id, inbound.update_id)
    });

    let mut tx = engine.db.begin().await?;
    // First: who writes outcomes of sends locks the bot before its contacts.
    if let Some((door, offset)) = poll_offset {
        tx.workspace(door.workspace_id).bots().set_poll_offset(door.bot_id, offset).await?;
    }
    let mut outcomes = Vec::with_capacity(sorted.len());
    for (door, inbound) in sorted {
        outcomes.push(accept(engine, &mut tx, door, inbound).await?);
    }
    tx.commit().await?;
    Ok(outcomes)
}

async fn accept(
    engine: &Engine,
    tx: &mut Tx,
    door: &Door,
    inbound: &Inbound,
) -> Result<Accepted, StorageError> {
    let now = engine.clock.now();
    let workspace = door.workspace_id;
    if !tx.workspace(workspace).updates().take(door.bot_id, inbound.update_id, now).await? {
        return Ok(Accepted::Duplicate);
    }
    if let InboundContent::Moved { to_chat_id } = inbound.content {
        follow(tx, door, inbound.chat_id, to_chat_id).await?;
        return Ok(Accepted::Noted);
    }
    let contact = tx
        .workspace(workspace)
        .contacts()
        .meet(door.bot_id, inbound, engine.clock.id(), now)
        .await?;
    let (kind, text, channel_message_id) = match &inbound.content {
        InboundContent::Blocked | InboundContent::Unblocked => {
            let blocked = inbound.content == InboundContent::Blocked;
            tx.workspace(workspace).contacts().set_blocked(contact.id, blocked, now).await?;
            return Ok(Accepted::Noted);
        }
        InboundContent::Text { text, message_id } => {
            (MessageKind::Text, text.as_str(), *message_id)
        }
        InboundContent::Start { message_id } => (MessageKind::Start, "/start", *message_id),
        InboundContent::Unsupported { what, message_id } => {
            (MessageKind::Unsupported, what.as_str(), *message_id)
        }
        InboundContent::Moved { .. } => return Ok(Accepted::Noted),
    };
    if contact.blocked_at.is_some() {
        // Who writes to a bot does not block it.
        tx.workspace(workspace).contacts().set_blocked(contact.id, false, now).await?;
    }
    let mut dialog = open_dialog(engine, tx, door, &contact).await?;
    let message = Message {
        id: engine.clock.id(),
        workspace_id: workspace,
        dialog_id: dialog.id,
        seq: dialog.next_seq(now),
        author: Author::Customer,
        kind,
        text: text.to_owned(),
        delivery: Delivery::None,
        answer: None,
        created_at: now,
    };
    dialog.heard_seq = message.seq;
    tx.workspace(workspace).messages().insert(&message, Some(channel_message_id)).await?;
    tx.workspace(workspace).dialogs().save(&dialog).await?;
    if dialog.control == Control::Ai {
        let (due, latest) = (now + engine.settings.window, now + engine.settings.window_latest);
        tx.workspace(workspace).turns().request(dialog.id, due, latest).await?;
    }
    let event = Event::MessageStored {
        dialog_id: dialog.id,
        message_id: message.id,
        seq: message.seq,
        author: message.author,
        text: message.text,
    };
    tx.record(workspace, event, now);
    Ok(Accepted::Stored)
}

/// Keeps the dialog of a group whose chat got another number, and what is on its way there.
async fn follow(tx: &mut Tx, door: &Door, from: i64, to: i64) -> Result<(), StorageError> {
    let workspace = door.workspace_id;
    let contact = tx.workspace(workspace).contacts().follow(door.bot_id, from, to).await?;
    tx.workspace(workspace).outbox().follow(door.bot_id, from, to, contact).await
}

/// The dialog the contact is in, or a new one. The contact's row is locked, so there is only ever one.
async fn open_dialog(
    engine: &Engine,
    tx: &mut Tx,
    door: &Door,
    contact: &Contact,
) -> Result<Dialog, StorageError> {
    if let Some(dialog) = tx.workspace(door.workspace_id).dialogs().lock_open(contact.id).await? {
        return Ok(dialog);
    }
    let now = engine.clock.now();
    let dialog = Dialog {
        id: engine.clock.id(),
        workspace_id: door.workspace_id,
        assistant_id: door.assistant_id,
        bot_id: door.bot_id,
        contact_id: contact.id,
        control: Control::Ai,
        epoch: 0,
        last_seq: 0,
        heard_seq: 0,
        answered_seq: 0,
        created_at: now,
        updated_at: now,
    };
    tx.workspace(door.workspace_id).dialogs().insert(&dialog).await?;
    Ok(dialog)
}
