//! Customers who wait for a human: what they are told, and how they take the request back.

use std::error::Error;

use replyx_core::{
    assistant::FixedText,
    channel::InboundContent,
    dialog::{Contact, Control, ControlStep, Dialog},
    ids::{DialogId, WorkspaceId},
    message::MessageKind,
    rules::dialog::Cause,
    waiting::{Pace, QueuePlace},
};
use replyx_storage::{StorageError, Tx};

use crate::{Engine, check::Reply, context::Context, control};

/// The pace at which customers of a workspace are answered by people these hours.
pub async fn pace(
    engine: &Engine,
    tx: &mut Tx,
    workspace: WorkspaceId,
) -> Result<Option<Pace>, StorageError> {
    let since = engine.clock.now() - Pace::SINCE;
    let waits = tx.workspace(workspace).waits().taken(since, Pace::WAITS).await?;
    Ok(Pace::of(&waits))
}

/// Where a dialog stands in the queue; `None` unless it waits.
pub async fn place(
    engine: &Engine,
    tx: &mut Tx,
    dialog: &Dialog,
) -> Result<Option<QueuePlace>, StorageError> {
    let Some(since) = dialog.waiting_since() else { return Ok(None) };
    let workspace = dialog.workspace_id;
    let before = tx.workspace(workspace).waits().before(since, dialog.id).await?;
    let pace = pace(engine, tx, workspace).await?;
    Ok(Some(QueuePlace::of(before + 1, pace)))
}

/// Adds to a reply that brings in a human where the customer stands in the queue, unless they are
/// the first and nobody knows how long it takes.
pub(crate) async fn announce(engine: &Engine, context: &Context, reply: &mut Reply) {
    if reply.hand_off.is_none() {
        return;
    }
    let dialog = &context.dialog;
    match newcomer(engine, dialog.workspace_id, dialog.id).await {
        Ok(place) => {
            if let Some(text) = words(context, place) {
                reply.text.push_str("\n\n");
                reply.text.push_str(&text);
            }
        }
        // The request itself is worth more than the place.
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "could not read the queue");
        }
    }
}

async fn newcomer(
    engine: &Engine,
    workspace: WorkspaceId,
    dialog: DialogId,
) -> Result<QueuePlace, StorageError> {
    let mut tx = engine.db.read().await?;
    let now = engine.clock.now();
    let before = tx.workspace(workspace).waits().before(now, dialog).await?;
    let pace = pace(engine, &mut tx, workspace).await?;
    Ok(QueuePlace::of(before + 1, pace))
}

fn words(context: &Context, place: QueuePlace) -> Option<String> {
    let position = place.position.to_string();
    if let Some(minutes) = place.minutes() {
        let text = context.ask.say(FixedText::QueueWait).replace("{position}", &position);
        return Some(text.replace("{minutes}", &minutes.to_string()));
    }
    let text = context.ask.say(FixedText::QueuePlace);
    (place.position > 1).then(|| text.replace("{position}", &position))
}

/// Gives a dialog that waits back to its assistant if that is all that the customer says. The turn
/// that follows says so.
pub(crate) async fn call_off(
    engine: &Engine,
    tx: &mut Tx,
    dialog: Dialog,
    contact: &Contact,
    said: &InboundContent,
) -> Result<Dialog, StorageError> {
    let InboundContent::Text { text, .. } = said else { return Ok(dialog) };
    if dialog.control != Control::Waiting || !replyx_acts::calls_off(text) {
        return Ok(dialog);
    }
    let now = engine.clock.now();
    let cause = Cause::of_program(engine.clock.id(), now);
    match dialog.clone().release(&cause) {
        Ok(change) => control::enact(engine, tx, change, contact, now).await,
        Err(_) => Ok(dialog),
    }
}

/// Has the customer just taken back a request for a human, and said nothing since?
pub(crate) async fn is_called_off(
    engine: &Engine,
    context: &Context,
) -> Result<bool, StorageError> {
    let last = context.pending.last().filter(|last| last.kind == MessageKind::Text);
    if !last.is_some_and(|last| replyx_acts::calls_off(&last.text)) {
        return Ok(false);
    }
    let dialog = &context.dialog;
    let mut tx = engine.db.read().await?;
    let messages = tx.workspace(dialog.workspace_id).messages();
    messages.is_step_of_program(dialog.id, dialog.heard_seq + 1, ControlStep::Release).await
}
