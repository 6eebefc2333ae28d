//! What a member has begun to write in a dialog. Nobody else sees it.

use replyx_core::{actor::Caller, ids::DialogId};
use replyx_storage::{StorageError, drafts::Draft, repeated};
use thiserror::Error;

use crate::Engine;

/// A draft could not be read or stored.
#[derive(Debug, Error)]
pub enum DraftError {
    /// A program with a key has no drafts.
    #[error("only a member who is signed in has drafts")]
    NoPerson,
    /// There is no such dialog in the caller's workspace.
    #[error("no such dialog")]
    Missing,
    /// The database failed.
    #[error("the draft could not be stored")]
    Storage(#[from] StorageError),
}

/// The caller's draft in a dialog. A program with a key has none.
///
/// # Errors
///
/// [`DraftError::Missing`]
pub async fn find(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
) -> Result<Option<Draft>, DraftError> {
    let workspace = caller.workspace_id;
    let mut tx = engine.db.read().await?;
    tx.workspace(workspace).dialogs().find(id).await?.ok_or(DraftError::Missing)?;
    let Some(member) = caller.user_id() else { return Ok(None) };
    Ok(tx.workspace(workspace).drafts().find(member, id).await?)
}

/// Stores the caller's draft in a dialog in place of the one before; an empty text deletes it.
/// Sending a reply deletes it as well.
///
/// # Errors
///
/// [`DraftError::NoPerson`] for a program with a key.
pub async fn put(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    text: &str,
) -> Result<Option<Draft>, DraftError> {
    let member = caller.user_id().ok_or(DraftError::NoPerson)?;
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        tx.workspace(workspace).dialogs().find(id).await?.ok_or(DraftError::Missing)?;

        let draft = Draft { text: text.to_owned(), updated_at: engine.clock.now() };
        let kept = Some(draft).filter(|draft| !draft.text.is_empty());
        let drafts = tx.workspace(workspace).drafts();
        match &kept {
            Some(draft) => drafts.put(member, id, draft).await?,
            None => drafts.delete(member, id).await?,
        }
        tx.commit().await?;
        Ok(kept)
    })
    .await
}
