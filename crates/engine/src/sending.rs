//! How words to a customer that are not an answer of the assistant get into the outbox: those of
//! operators, and what the program says for them.

use replyx_core::{
    channel::{ChatKind, Outbound},
    dialog::{Contact, Dialog},
    message::Message,
};
use replyx_storage::{StorageError, Tx};

use crate::Engine;

/// In a group the first part is shown as the answer to what the customer said last: others speak
/// there, too.
pub(crate) async fn answering(
    tx: &mut Tx,
    dialog: &Dialog,
    contact: &Contact,
    mut parts: Vec<Outbound>,
) -> Result<Vec<Outbound>, StorageError> {
    if contact.chat_kind != ChatKind::Group || parts.is_empty() {
        return Ok(parts);
    }
    let messages = tx.workspace(dialog.workspace_id).messages();
    if let Some(heard) = messages.last_heard(dialog.id).await? {
        let first = parts.remove(0);
        parts.insert(0, first.answering(&heard));
    }
    Ok(parts)
}

/// Queues the parts of a message for delivery, in their order.
pub(crate) async fn send(
    engine: &Engine,
    tx: &mut Tx,
    (dialog, contact): (&Dialog, &Contact),
    message: &Message,
    parts: Vec<Outbound>,
) -> Result<(), StorageError> {
    let parts: Vec<_> = parts.into_iter().map(|part| (engine.clock.id(), part)).collect();
    let outbox = tx.workspace(dialog.workspace_id).outbox();
    outbox.enqueue(dialog, contact, message.id, &parts, message.created_at).await
}
