//! A dialog that waits for a human goes back to its assistant.

use replyx_core::{
    actor::Caller,
    dialog::{Control, Dialog},
    ids::DialogId,
};
use replyx_storage::{StorageError, repeated};
use thiserror::Error;

use crate::Engine;

/// A dialog could not be released.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// There is no such dialog in the caller's workspace.
    #[error("no such dialog")]
    Missing,
    /// Nobody has been asked for.
    #[error("the dialog does not wait for a human: it is `{0}`")]
    NotWaiting(Control),
    /// The database failed.
    #[error("the dialog could not be released")]
    Storage(#[from] StorageError),
}

/// Releases a dialog that waits for a human to its assistant, which answers from the customer's
/// next message on.
///
/// # Errors
///
/// [`ReleaseError::NotWaiting`] when it does not wait for a human.
pub async fn release(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
) -> Result<Dialog, ReleaseError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let now = engine.clock.now();
        let mut tx = engine.db.begin().await?;
        let found = tx.workspace(workspace).dialogs().lock(id).await?;
        let dialog = found.ok_or(ReleaseError::Missing)?;
        let released = dialog.release(&caller.actor(), now);
        let change = released.map_err(|refused| ReleaseError::NotWaiting(refused.control))?;
        let dialog = tx.apply(change).await?;
        tx.commit().await?;
        Ok(dialog)
    })
    .await
}
