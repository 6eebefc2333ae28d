//! What was said in many dialogs at the same time.

use replyx_core::{dialog::Dialog, rules::dialog::Utterance};

use crate::{
    StorageError, Tx, dialogs,
    messages::{self, NewMessage},
};

/// Stores what was said in dialogs, each another one, with the dialogs as they are then.
///
/// # Errors
///
/// [`StorageError::is_duplicate`] when a place in a dialog is taken.
pub(crate) async fn keep_all(tx: &mut Tx, said: &[Utterance]) -> Result<(), StorageError> {
    // Where control changes with the words, more is written than the words.
    let (plain, others): (Vec<_>, Vec<_>) =
        said.iter().partition(|said| said.notice.is_none() && said.queue.is_none());
    let new: Vec<NewMessage<'_>> = plain
        .iter()
        .map(|said| NewMessage {
            message: &said.message,
            channel_message: said.channel_message.as_ref(),
            client_id: said.client_id.as_deref(),
        })
        .collect();
    messages::insert(tx, &new).await?;
    let dialogs: Vec<&Dialog> = plain.iter().map(|said| &said.dialog).collect();
    dialogs::save(tx, &dialogs).await?;

    for said in others {
        tx.workspace(said.dialog.workspace_id).dialogs().keep(said).await?;
    }
    Ok(())
}
