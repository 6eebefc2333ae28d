//! Stops an assistant, and lets it go on.

use replyx_core::{actor::Caller, assistant::Pause, ids::AssistantId};
use replyx_storage::{StorageError, repeated, retried};
use thiserror::Error;

use crate::{Cx, Missing};

/// How an assistant works could not be changed.
#[derive(Debug, Error)]
pub enum OperationError {
    /// There is no such assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The database failed.
    #[error("the assistant could not be changed")]
    Storage(#[from] StorageError),
}

/// The pause of an assistant, if it is paused.
pub async fn paused(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
) -> Result<Option<Pause>, OperationError> {
    let mut tx = cx.db.read().await?;
    let found = tx.workspace(caller.workspace_id).assistants().find(id).await?;
    found.ok_or(Missing("assistant"))?;
    Ok(tx.workspace(caller.workspace_id).pauses().find(id).await?)
}

/// Pauses an assistant: when this returns, nothing it has not begun to send is sent, and turns that
/// run end without a reply. Pausing one that is paused changes the text.
pub async fn pause(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    text: Option<&str>,
) -> Result<Pause, OperationError> {
    let workspace = caller.workspace_id;
    let pause = repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(workspace).assistants().lock(id).await?;
        let assistant = found.ok_or(Missing("assistant"))?;
        let before = tx.workspace(workspace).pauses().find(id).await?;
        let text = text.map(str::to_owned);
        let change = assistant.pause(before.as_ref(), text, &caller.actor(), cx.clock.now());
        let pause = tx.apply(change).await?;
        tx.commit().await?;
        Ok::<_, OperationError>(pause)
    })
    .await?;

    // In a transaction of its own: a turn that has not seen the pause began before this one.
    retried(|| async {
        let mut tx = cx.db.begin().await?;
        tx.workspace(workspace).pauses().interrupt(id).await?;
        tx.commit().await.map(drop)
    })
    .await?;
    Ok(pause)
}

/// Resumes an assistant. One that is not paused stays as it is.
pub async fn resume(cx: Cx<'_>, caller: &Caller, id: AssistantId) -> Result<(), OperationError> {
    let workspace = caller.workspace_id;
    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(workspace).assistants().lock(id).await?;
        let assistant = found.ok_or(Missing("assistant"))?;
        let paused = tx.workspace(workspace).pauses().find(id).await?;
        if let Some(paused) = paused {
            tx.apply(assistant.resume(paused, &caller.actor(), cx.clock.now())).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}
