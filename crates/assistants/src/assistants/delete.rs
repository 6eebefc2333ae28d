//! The end of an assistant and of what it alone knows.

use replyx_core::{actor::Caller, assistant::Assistant, ids::AssistantId};
use replyx_storage::{StorageError, Tx, assistants::Whole, repeated};
use thiserror::Error;

use crate::{Cx, Missing};

/// How often it may have got another document while the locks of those it had were waited for.
const TRIES: usize = 10;

/// An assistant could not be deleted.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// There is no such assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Customers reach it through a channel.
    #[error("delete the assistant's channels first")]
    HasChannels,
    /// It got another document each time.
    #[error("documents are being added to the assistant; try again")]
    Growing,
    /// The database failed.
    #[error("the assistant could not be deleted")]
    Storage(#[from] StorageError),
}

/// Deletes an assistant with its documents. Its channels must have been deleted before.
pub async fn delete(cx: Cx<'_>, caller: &Caller, id: AssistantId) -> Result<(), DeleteError> {
    repeated(|| delete_once(cx, caller, id)).await
}

async fn delete_once(cx: Cx<'_>, caller: &Caller, id: AssistantId) -> Result<(), DeleteError> {
    let workspace = caller.workspace_id;
    let (mut tx, assistant) = lock(cx, caller, id).await?;
    if tx.workspace(workspace).channels().count_of(id).await? > 0 {
        return Err(DeleteError::HasChannels);
    }

    tx.apply(assistant.delete(&caller.actor(), cx.clock.now())).await?;
    tx.commit().await?;
    Ok(())
}

/// Locks the assistant with all it has: nobody can give it a channel or a document in the meantime.
async fn lock(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
) -> Result<(Tx, Assistant), DeleteError> {
    for _ in 0..TRIES {
        let mut tx = cx.db.begin().await?;
        match tx.workspace(caller.workspace_id).assistants().lock_whole(id).await? {
            Whole::Locked(assistant) => return Ok((tx, *assistant)),
            Whole::Missing => return Err(Missing("assistant").into()),
            Whole::Grown => {}
        }
    }
    Err(DeleteError::Growing)
}
