//! Storing what a channel delivered, and asking for a turn.
//!
//! One transaction: the update is marked as taken, the customer's words are stored, the turn is
//! queued. Only after its commit is the update acknowledged. A repeat changes nothing.

use chrono::{DateTime, Duration, Utc};
use replyx_core::{
    bot::Bot,
    change::New,
    channel::{Address, Channel, Inbound, InboundContent},
    command::{HouseCommand, named_language},
    dialog::{Contact, Dialog},
    ids::{AssistantId, ChannelId, WorkspaceId},
    message::MessageKind,
    rules::dialog::{Cause, CustomerMessage, Utterance},
};
use replyx_storage::{StorageError, Tx, contacts::Followed, retried};

use crate::{Engine, attachments, waiting};

mod edits;
mod gather;
mod known;

use edits::Revised;
use known::Known;

pub use gather::{Gatherer, IntakeError};

/// The way an update came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Door {
    /// Whose channel it is.
    pub workspace_id: WorkspaceId,
    /// The channel.
    pub channel_id: ChannelId,
    /// The assistant that answers through it.
    pub assistant_id: AssistantId,
}

impl From<&Bot> for Door {
    fn from(bot: &Bot) -> Self {
        Self { workspace_id: bot.workspace_id, channel_id: bot.id, assistant_id: bot.assistant_id }
    }
}

impl From<&Channel> for Door {
    fn from(channel: &Channel) -> Self {
        Self {
            workspace_id: channel.workspace_id,
            channel_id: channel.id,
            assistant_id: channel.assistant_id,
        }
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

/// Takes updates of several bots in one transaction. With `poll_offset` (for the only bot of the
/// batch) the place from which to go on polling is stored with them.
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
    // In one order everywhere: two transactions must not wait for each other's contacts in a
    // circle. Groups that move do so first, or what was said in the new chat would begin another
    // dialog.
    let mut sorted: Vec<&(Door, Inbound)> = updates.iter().collect();
    sorted.sort_by(|one, other| place(one).cmp(&place(other)));

    let mut tx = engine.db.begin().await?;
    // First: who writes outcomes of sends locks the channel before its contacts.
    if let Some((door, offset)) = poll_offset {
        tx.workspace(door.workspace_id).channels().set_poll_offset(door.channel_id, offset).await?;
    }
    let now = engine.clock.now();
    let keys: Vec<_> = sorted
        .iter()
        .map(|(door, inbound)| (door.workspace_id, door.channel_id, &inbound.key))
        .collect();
    let fresh = tx.system().deliveries().take_each(&keys, now).await?;
    let (fresh, repeated): (Vec<_>, Vec<_>) =
        sorted.into_iter().zip(fresh).partition(|(_, is_fresh)| *is_fresh);
    let fresh: Vec<&(Door, Inbound)> = fresh.into_iter().map(|(update, _)| update).collect();

    let mut known = Known::load(engine, &mut tx, &fresh, now).await?;
    let mut outcomes = vec![Accepted::Duplicate; repeated.len()];
    for (door, inbound) in fresh {
        outcomes.push(accept(engine, &mut tx, &mut known, (door, inbound), now).await?);
    }

    let due = now + engine.settings.window;
    let latest = now + engine.settings.window_latest;
    tx.system().turns().request_each(known.asked(), due, latest).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// Where a delivery stands among those of its transaction.
fn place((door, inbound): &(Door, Inbound)) -> (Door, bool, &Address, i64) {
    let stays = !matches!(inbound.content, InboundContent::Moved { .. });
    (*door, stays, &inbound.address, inbound.order)
}

async fn accept(
    engine: &Engine,
    tx: &mut Tx,
    known: &mut Known,
    (door, inbound): (&Door, &Inbound),
    now: DateTime<Utc>,
) -> Result<Accepted, StorageError> {
    if let InboundContent::Moved { to } = &inbound.content {
        follow(tx, door, &inbound.address, to).await?;
        return Ok(Accepted::Noted);
    }
    let contact = if let Some(contact) = known.contact(door, inbound) {
        contact
    } else {
        let contacts = tx.workspace(door.workspace_id).contacts();
        contacts.meet(door.channel_id, inbound, engine.clock.id(), now).await?
    };
    match inbound.content {
        InboundContent::Blocked => {
            known.forget(&contact);
            if let Some(change) = contact.block(now) {
                tx.apply(change).await?;
            }
            return Ok(Accepted::Noted);
        }
        InboundContent::Unblocked => {
            unblock(tx, known, &contact, now).await?;
            return Ok(Accepted::Noted);
        }
        _ => {}
    }
    if edits::revise(tx, known, (door, inbound), &contact, now).await? == Revised::Done {
        return Ok(Accepted::Noted);
    }
    let Some(heard) = heard(engine, inbound) else {
        return Ok(Accepted::Noted);
    };

    // Who writes to us does not block us.
    unblock(tx, known, &contact, now).await?;
    introduce(tx, known, &contact, &inbound.content).await?;
    let dialog = match known.dialog(&contact) {
        Some(dialog) => dialog,
        None => open_dialog(engine, tx, door, &contact).await?,
    };
    if edits::is_outdated(tx, &dialog, &contact, inbound).await? {
        return Ok(Accepted::Noted);
    }
    let dialog = edits::count(dialog, inbound);
    let Utterance { dialog, message, .. } = tx.apply(dialog.hear(heard, now)).await?;
    if let InboundContent::Attachment { file, .. } = &inbound.content {
        attachments::note(engine, tx, &message, file, now).await?;
    }
    let dialog = waiting::call_off(engine, tx, dialog, &contact, &inbound.content).await?;
    known.heard(&contact, dialog);
    Ok(Accepted::Stored)
}

/// Lets us speak to a contact again, if they blocked us.
async fn unblock(
    tx: &mut Tx,
    known: &mut Known,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    if contact.blocked_at.is_some()
        && let Some(change) = contact.clone().unblock(now)
    {
        known.forget(contact);
        tx.apply(change).await?;
    }
    Ok(())
}

/// Keeps what a command tells of the contact: where they come from, which language they chose.
async fn introduce(
    tx: &mut Tx,
    known: &mut Known,
    contact: &Contact,
    content: &InboundContent,
) -> Result<(), StorageError> {
    let change = match content {
        InboundContent::Start { payload: Some(source), .. } => contact.clone().come_from(source),
        InboundContent::Command { name, arguments, .. }
            if name == HouseCommand::Language.as_str() =>
        {
            named_language(arguments).and_then(|language| contact.clone().choose(language))
        }
        _ => None,
    };
    if let Some(change) = change {
        known.forget(contact);
        tx.apply(change).await?;
    }
    Ok(())
}

/// What a dialog keeps of what a customer said and answers; nothing of what only says something
/// about an earlier message.
fn heard(engine: &Engine, inbound: &Inbound) -> Option<CustomerMessage> {
    let (kind, text, message_id) = match &inbound.content {
        // An edit of a message that we never saw: these are its words.
        InboundContent::Text { text, message_id } | InboundContent::Edit { text, message_id } => {
            (MessageKind::Text, text.clone(), message_id)
        }
        InboundContent::Start { message_id, .. } => {
            (MessageKind::Start, "/start".to_owned(), message_id)
        }
        InboundContent::Unsupported { what, message_id } => {
            (MessageKind::Unsupported, what.clone(), message_id)
        }
        InboundContent::Attachment { caption: Some(caption), message_id, .. } => {
            (MessageKind::Text, caption.clone(), message_id)
        }
        InboundContent::Attachment { file, caption: None, message_id } => {
            (MessageKind::Unsupported, file.what.clone(), message_id)
        }
        InboundContent::Button { data, message_id } => {
            (MessageKind::Text, data.clone(), message_id)
        }
        InboundContent::Command { name, arguments, message_id } => {
            let command = format!("/{name} {arguments}").trim_end().to_owned();
            // A command that has words behind it and is none of the house's is a question.
            let is_known = arguments.is_empty() || HouseCommand::of(&command).is_some();
            let kind = if is_known { MessageKind::Command } else { MessageKind::Text };
            (kind, command, message_id)
        }
        InboundContent::Location { message_id, .. } => {
            (MessageKind::Unsupported, "location".to_owned(), message_id)
        }
        InboundContent::Contact { message_id, .. } => {
            (MessageKind::Unsupported, "contact".to_owned(), message_id)
        }
        InboundContent::Reaction { .. }
        | InboundContent::Blocked
        | InboundContent::Unblocked
        | InboundContent::Moved { .. } => return None,
    };

    Some(CustomerMessage {
        id: engine.clock.id(),
        kind,
        text,
        quoted: inbound.quoted.clone(),
        channel_message: message_id.clone(),
    })
}

/// Keeps the dialogs of a chat that got another address, and what is on its way there.
async fn follow(
    tx: &mut Tx,
    door: &Door,
    from: &Address,
    to: &Address,
) -> Result<(), StorageError> {
    let workspace = door.workspace_id;
    let followed = tx.workspace(workspace).contacts().follow(door.channel_id, from, to).await?;
    for Followed { from, to, contact } in followed {
        let outbox = tx.workspace(workspace).outbox();
        outbox.follow(door.channel_id, &from, &to, Some(contact)).await?;
    }
    Ok(())
}

/// The dialog the contact is in, their last one if it was closed not long ago, or a new one. The
/// contact's row is locked, so there is only ever one.
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
    if let Some(dialog) = reopened(engine, tx, door, contact, now).await? {
        return Ok(dialog);
    }
    let dialog = Dialog::between(contact, door.assistant_id, engine.clock.id(), now);
    let New(dialog) = tx.apply(dialog.open()).await?;
    Ok(dialog)
}

/// The contact's last dialog, which goes on if it was with the same assistant and its owner wants
/// that.
async fn reopened(
    engine: &Engine,
    tx: &mut Tx,
    door: &Door,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<Option<Dialog>, StorageError> {
    let workspace = door.workspace_id;
    let closed = tx.workspace(workspace).dialogs().lock_closed(contact.id).await?;
    let Some(closed) = closed.filter(|dialog| dialog.assistant_id == door.assistant_id) else {
        return Ok(None);
    };
    let published = tx.workspace(workspace).assistants().published(door.assistant_id).await?;
    let hours = published.map_or(0, |version| version.settings.reopen_hours);
    if !closed.reopens(Duration::hours(hours), now) {
        return Ok(None);
    }
    let Ok(change) = closed.reopen(&Cause::of_program(engine.clock.id(), now)) else {
        return Ok(None);
    };
    let Utterance { dialog, .. } = tx.apply(change).await?;
    Ok(Some(dialog))
}
