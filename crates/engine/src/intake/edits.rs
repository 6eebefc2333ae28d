//! What customers edit.
//!
//! A message that is not answered yet is answered as it is now: its dialog counts the edit
//! ([`Dialog::edits`]), and a turn that began before it begins again. Of one that is answered only
//! the stored words change. An edit of a message that we do not have (it did not name us, or its
//! own update is late) is heard as a message; what comes late of it then is dropped.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{Inbound, InboundContent, MessageRef},
    dialog::{Contact, Control, Dialog},
    rules::dialog::Edited,
};
use replyx_storage::{StorageError, Tx};

use super::{Door, known::Known};

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revised {
    /// The message says it now.
    Done,
    /// It is none, or we do not have its message.
    Unknown,
}

/// Gives an edited message its words.
pub(super) async fn revise(
    tx: &mut Tx,
    known: &mut Known,
    (door, inbound): (&Door, &Inbound),
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<Revised, StorageError> {
    let InboundContent::Edit { text, message_id } = &inbound.content else {
        return Ok(Revised::Unknown);
    };
    let workspace = door.workspace_id;
    let messages = tx.workspace(workspace).messages();
    let found = messages.heard(door.channel_id, &contact.address, message_id).await?;
    let Some(found) = found else { return Ok(Revised::Unknown) };

    let dialog = match known.dialog(contact).filter(|dialog| dialog.id == found.dialog_id) {
        Some(dialog) => Some(dialog),
        None => tx.workspace(workspace).dialogs().lock(found.dialog_id).await?,
    };
    let message = tx.workspace(workspace).messages().find(found.message_id).await?;
    let edit =
        dialog.zip(message).and_then(|(dialog, message)| dialog.edit(message, text.clone(), now));
    let Some(edit) = edit else { return Ok(Revised::Done) };

    let Edited { dialog, message } = tx.apply(edit).await?;
    if message.seq > dialog.answered_seq && dialog.control != Control::Closed {
        known.heard(contact, dialog);
    }
    Ok(Revised::Done)
}

/// Whether a message was edited before it came: it has been heard as it was edited. Only where
/// something was edited there is anything to look for.
pub(super) async fn is_outdated(
    tx: &mut Tx,
    dialog: &Dialog,
    contact: &Contact,
    inbound: &Inbound,
) -> Result<bool, StorageError> {
    let Some(message) = own_message(&inbound.content).filter(|_| dialog.edits > 0) else {
        return Ok(false);
    };
    let messages = tx.workspace(dialog.workspace_id).messages();
    let heard = messages.heard(dialog.channel_id, &contact.address, message).await?;
    Ok(heard.is_some())
}

/// Counts an edit that is heard as a message.
pub(super) fn count(dialog: Dialog, inbound: &Inbound) -> Dialog {
    match inbound.content {
        InboundContent::Edit { .. } => Dialog { edits: dialog.edits + 1, ..dialog },
        _ => dialog,
    }
}

/// The message that the customer sent. A button is below one of ours.
const fn own_message(content: &InboundContent) -> Option<&MessageRef> {
    match content {
        InboundContent::Text { message_id, .. }
        | InboundContent::Start { message_id, .. }
        | InboundContent::Unsupported { message_id, .. }
        | InboundContent::Attachment { message_id, .. }
        | InboundContent::Command { message_id, .. }
        | InboundContent::Location { message_id, .. }
        | InboundContent::Contact { message_id, .. } => Some(message_id),
        InboundContent::Button { .. }
        | InboundContent::Edit { .. }
        | InboundContent::Reaction { .. }
        | InboundContent::Blocked
        | InboundContent::Unblocked
        | InboundContent::Moved { .. } => None,
    }
}
