//! An operator corrects what a customer's message was taken for.

use replyx_core::{
    actor::Caller,
    ids::MessageId,
    message::{Message, MessageAct},
};
use replyx_storage::{StorageError, repeated};
use thiserror::Error;

use crate::Engine;

/// What a message is could not be corrected.
#[derive(Debug, Error)]
pub enum CorrectError {
    /// There is no such message of a customer in the caller's workspace.
    #[error("no such message of a customer")]
    Missing,
    /// The database failed.
    #[error("the message could not be corrected")]
    Storage(#[from] StorageError),
}

/// Corrects what a customer's message is; answers that were given stay as they are.
///
/// # Errors
///
/// [`CorrectError::Missing`] for a message that is not a customer's, too.
pub async fn act(
    engine: &Engine,
    caller: &Caller,
    id: MessageId,
    act: MessageAct,
) -> Result<Message, CorrectError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let found = tx.workspace(workspace).messages().find(id).await?;
        let message = found.ok_or(CorrectError::Missing)?;

        let change = message.correct_act(act, &caller.actor(), engine.clock.now());
        tx.apply(change.ok_or(CorrectError::Missing)?).await?;
        tx.commit().await?;
        Ok(Message { act: Some(act), ..message })
    })
    .await
}
