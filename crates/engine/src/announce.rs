//! What a customer is told who is in people's hands: who answers, and that the wait goes on.
//!
//! Both are fixed texts of the assistant's owner, in the customer's language. They go the way of
//! every reply, and the next change of control cancels what of them has not left.
//!
//! A customer is told who answers when a person takes the dialog over or is given it, unless that
//! person is the one whom they heard last. Whoever takes it over by answering is not announced: the
//! answer speaks. Neither is a program with a key, nor a person without a name of their own.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{AssistantSettings, FixedText, Language},
    channel::Channel,
    dialog::{Contact, Control, Dialog, Operator},
    ids::{AssistantId, DialogId, WorkspaceId},
    message::Author,
    name,
    rules::dialog::{Announcement, Utterance},
    waiting::WaitNotice,
};
use replyx_storage::{StorageError, Tx, retried, waits::UnplannedWait};

use crate::{Engine, control, replies, speech};

/// How many waits are looked at at once.
const TOGETHER: u32 = 200;
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

/// Tells the customers who have waited for as long as the owner wants, each once. Returns how many.
///
/// # Errors
///
/// Fails when the database does; what was done before stays.
pub async fn sweep(engine: &Engine) -> Result<usize, StorageError> {
    plan(engine).await?;

    let mut told = 0;
    loop {
        let now = engine.clock.now();
        let due = engine.db.read().await?.system().waits().due(now, TOGETHER).await?;
        for (workspace, dialog) in &due {
            let is_told = retried(|| still_waiting(engine, *workspace, *dialog)).await?;
            told += usize::from(is_told);
        }
        if due.len() < TOGETHER as usize {
            return Ok(told);
        }
    }
}

/// Decides of each new wait when the customer is to be told. It keeps the owner's number of hours
/// with which it began.
async fn plan(engine: &Engine) -> Result<(), StorageError> {
    loop {
        let mut tx = engine.db.read().await?;
        let waits = tx.system().waits().unplanned(TOGETHER).await?;
        drop(tx);
        if !waits.is_empty() {
            retried(|| plan_all(engine, &waits)).await?;
        }
        if waits.len() < TOGETHER as usize {
            return Ok(());
        }
    }
}

async fn plan_all(engine: &Engine, waits: &[UnplannedWait]) -> Result<(), StorageError> {
    let mut tx = engine.db.begin().await?;
    let mut known: HashMap<AssistantId, Option<AssistantSettings>> = HashMap::new();
    for wait in waits {
        let settings = match known.entry(wait.assistant_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let found = settings(&mut tx, wait.workspace_id, wait.assistant_id).await?;
                new.insert(found)
            }
        };
        let due = settings.as_ref().and_then(|settings| due_at(settings, wait.began_at));
        tx.workspace(wait.workspace_id).waits().plan(wait, due).await?;
    }
    tx.commit().await.map(drop)
}

/// When a customer who has waited since a moment is told. `None`: never, or not within a year.
fn due_at(settings: &AssistantSettings, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let hours = settings.handoff.waiting_hours;
    let waited = Duration::from_hours(u64::from(hours));
    (hours > 0).then(|| settings.business_hours().after(since, waited)).flatten()
}

/// Tells a customer that the wait goes on, if it does. Says whether it told them.
async fn still_waiting(
    engine: &Engine,
    workspace: WorkspaceId,
    id: DialogId,
) -> Result<bool, StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let Some((dialog, contact)) = control::lock(&mut tx, workspace, id).await? else {
        return Ok(false);
    };
    // Another process may have told them, or somebody may have answered.
    if dialog.control != Control::Waiting
        || !tx.workspace(workspace).waits().is_due(id, now).await?
    {
        return Ok(false);
    }

    let settings = settings(&mut tx, workspace, dialog.assistant_id).await?;
    let channel = passable(&mut tx, &dialog, &contact).await?;
    let Some((settings, channel)) = settings.zip(channel) else {
        tx.workspace(workspace).waits().end_notice(id, WaitNotice::None).await?;
        return tx.commit().await.map(|_| false);
    };
    let language = language(&mut tx, &dialog, &settings).await?;
    let text = settings.say(FixedText::StillWaiting, language).to_owned();
    let words = Announcement { id: engine.clock.id(), text, operator: None };
    say(engine, &mut tx, (dialog, &contact, &channel), words, now).await?;
    tx.workspace(workspace).waits().end_notice(id, WaitNotice::Given).await?;
    tx.commit().await.map(|_| true)
}

async fn settings(
    tx: &mut Tx,
    workspace: WorkspaceId,
    assistant: AssistantId,
) -> Result<Option<AssistantSettings>, StorageError> {
    let published = tx.workspace(workspace).assistants().published(assistant).await?;
    Ok(published.map(|version| version.settings))
}

/// The channel, if something can be delivered through it to the contact.
async fn passable(
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
async fn language(
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

async fn say(
    engine: &Engine,
    tx: &mut Tx,
    (dialog, contact, channel): (Dialog, &Contact, &Channel),
    words: Announcement,
    now: DateTime<Utc>,
) -> Result<Dialog, StorageError> {
    let said = tx.apply(dialog.announce(words, now)).await?;
    let Utterance { dialog, message, .. } = said;
    let parts = engine.channels.of(channel.kind).render(&message.text);
    let parts = replies::answering(tx, &dialog, contact, parts).await?;
    replies::send(engine, tx, (&dialog, contact), &message, parts).await?;
    Ok(dialog)
}
