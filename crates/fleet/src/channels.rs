//! Channels of every kind: the ways in which customers and assistants write to each other. What
//! only bots have is in [`crate::bots`].

use replyx_core::{
    actor::Caller,
    change::New,
    channel::{Channel, ChannelKind, ChannelStatus},
    ids::{AssistantId, ChannelId},
    refusal::Missing,
};
use replyx_storage::{StorageError, repeated};
use thiserror::Error;

use crate::Cx;

/// How many channels of programs a workspace has at most.
const MOST: i64 = 100;

/// A channel could not be created or deleted.
#[derive(Debug, Error)]
pub enum ChannelError {
    /// There is no such channel or assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The workspace has as many as it may have.
    #[error("a workspace has at most {MOST} channels of the kind `api`")]
    TooMany,
    /// The database failed.
    #[error("the channel could not be changed")]
    Storage(#[from] StorageError),
}

/// Creates a channel for a program of the owner, which runs at once.
pub async fn create(
    cx: Cx<'_>,
    caller: &Caller,
    assistant_id: AssistantId,
    name: &str,
) -> Result<Channel, ChannelError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let now = cx.engine.clock.now();
        let mut tx = cx.engine.db.begin().await?;
        // Locked, so that two who create the last one for different assistants see each other's.
        tx.system().workspaces().lock(workspace).await?;
        // Locked, so that it is not deleted in the meantime.
        let known = tx.workspace(workspace).assistants().lock(assistant_id).await?;
        known.ok_or(Missing("assistant"))?;
        if tx.workspace(workspace).channels().count(ChannelKind::Api).await? >= MOST {
            return Err(ChannelError::TooMany);
        }

        let channel = Channel {
            id: cx.engine.clock.id(),
            workspace_id: workspace,
            assistant_id,
            kind: ChannelKind::Api,
            name: name.to_owned(),
            status: ChannelStatus::Running,
            error: None,
            created_at: now,
            updated_at: now,
        };
        let New(channel) = tx.apply(channel.create(&caller.actor())).await?;
        tx.commit().await?;
        Ok(channel)
    })
    .await
}

/// Deletes a channel of any kind, and with it its secrets. Its dialogs stay.
pub async fn delete(cx: Cx<'_>, caller: &Caller, id: ChannelId) -> Result<(), ChannelError> {
    delete_of(cx, caller, id, |_| true, "channel").await
}

/// Deletes a channel of some kinds, which the caller calls `name`.
pub(crate) async fn delete_of(
    cx: Cx<'_>,
    caller: &Caller,
    id: ChannelId,
    is_of: impl Fn(ChannelKind) -> bool,
    name: &'static str,
) -> Result<(), ChannelError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let now = cx.engine.clock.now();
        let mut tx = cx.engine.db.begin().await?;
        let found = tx.workspace(workspace).channels().lock(id).await?;
        let channel = found.filter(|channel| is_of(channel.kind)).ok_or(Missing(name))?;
        tx.apply(channel.delete(&caller.actor(), now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
