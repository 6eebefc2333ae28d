//! Taking in what a program of the owner posts: what its users say.

use replyx_channels::api::PostedMessage;
use replyx_core::{
    actor::Caller,
    channel::{ChannelKind, ChannelStatus},
    ids::ChannelId,
    refusal::{Missing, Unacceptable},
};
use replyx_engine::intake::{Door, Gatherer, IntakeError};
use replyx_storage::{StorageError, messages::AcceptedMessage};
use thiserror::Error;

use crate::Cx;

/// A message could not be taken.
#[derive(Debug, Error)]
pub enum PostError {
    /// There is no such channel to which programs post.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The channel is not running.
    #[error("the channel is not running")]
    Stopped,
    /// A value cannot be accepted.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// Too many messages wait to be stored, or the database failed.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

impl From<StorageError> for PostError {
    fn from(error: StorageError) -> Self {
        Self::Intake(error.into())
    }
}

/// Stores what a user of the program said; the assistant answers it within seconds. A repeat
/// changes nothing, and is answered as the first one was.
pub async fn post(
    cx: Cx<'_>,
    gatherer: &Gatherer,
    caller: &Caller,
    id: ChannelId,
    message: &PostedMessage,
) -> Result<AcceptedMessage, PostError> {
    let workspace = caller.workspace_id;
    let found = cx.engine.db.read().await?.workspace(workspace).channels().find(id).await?;
    let channel =
        found.filter(|channel| channel.kind == ChannelKind::Api).ok_or(Missing("channel"))?;
    if channel.status != ChannelStatus::Running {
        return Err(PostError::Stopped);
    }

    let inbound = message.understand(cx.engine.clock.now());
    gatherer.accept(Door::from(&channel), inbound).await?;

    // Read from what is stored, so that a repeat is answered as the first one was.
    let mut tx = cx.engine.db.read().await?;
    let address = message.address();
    let name = message.message_ref();
    let heard = tx.workspace(workspace).messages().heard(id, &address, &name).await?;
    let refused = || Unacceptable::new("client_id", "was used for a message from another contact");
    Ok(heard.ok_or_else(refused)?)
}
