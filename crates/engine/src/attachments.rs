//! Files of customers: noted with the message, fetched by a job.
//!
//! A channel gives a file out for a while under a name of its own. The message is stored with that
//! name and acknowledged at once; [`fetch`] takes the file into our store. A repeat of the job
//! finds that it was done.

use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_channels::{FetchFailed, Route};
use replyx_core::{
    attachment::{AttachmentStatus, MOST_BYTES, MessageFile},
    channel::Attachment,
    ids::{AttachmentId, WorkspaceId},
    job::Kind,
    message::Message,
    retry::{Backoff, Retry},
};
use replyx_storage::{StorageError, Tx, retried};
use serde::{Deserialize, Serialize};

use crate::{Engine, uploads::has_room};

/// When a file is tried again that could not be fetched.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), ceiling: Duration::from_mins(10), attempts: 12 };

/// How often the job is tried at most.
pub const ATTEMPTS: u32 = BACKOFF.attempts;

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchAttachment {
    /// Whose file.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub attachment_id: AttachmentId,
}

impl FetchAttachment {
    /// What the queue calls this job.
    pub const KIND: Kind = Kind::light("fetch_attachment");
}

/// A file could not be fetched yet.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The database or the store of files failed.
    #[error("the file could not be stored")]
    Storage(#[from] StorageError),
    /// The channel did not give it.
    #[error("the channel did not give the file: {error}")]
    NotNow {
        /// How long to wait at least.
        retry_after: Option<Duration>,
        /// What the channel said.
        error: String,
    },
}

impl FetchError {
    /// When to try again after `attempt` attempts (1 = the first one failed).
    pub fn retry(&self, attempt: i64) -> Retry {
        let [chance] = replyx_core::clock::Clock::bytes();
        let again = BACKOFF.after(u32::try_from(attempt).unwrap_or(u32::MAX), chance);
        match (again, self) {
            (Retry::After(wait), Self::NotNow { retry_after: Some(least), .. }) => {
                Retry::After(wait.max(*least))
            }
            (again, _) => again,
        }
    }
}

/// Notes a file with its message, and has it fetched.
pub(crate) async fn note(
    engine: &Engine,
    tx: &mut Tx,
    message: &Message,
    file: &Attachment,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let noted = MessageFile {
        id: engine.clock.id(),
        workspace_id: message.workspace_id,
        dialog_id: message.dialog_id,
        message_id: message.id,
        what: file.what.clone(),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size.and_then(|size| i64::try_from(size).ok()),
        status: AttachmentStatus::Waiting,
        reference: file.reference.clone(),
        created_at: now,
        updated_at: now,
    };
    let job = FetchAttachment { workspace_id: noted.workspace_id, attachment_id: noted.id };
    tx.apply(noted.receive()).await?;

    let payload = serde_json::to_value(job).expect("two ids are JSON");
    let jobs = tx.workspace(job.workspace_id).jobs();
    jobs.enqueue(engine.clock.id(), FetchAttachment::KIND, &payload, now).await
}

/// Takes a file of a customer into the store.
///
/// # Errors
///
/// [`FetchError::retry`] says when to try again.
#[tracing::instrument(name = "engine.attachments.fetch", skip_all, fields(attachment.id = %job.attachment_id))]
pub async fn fetch(engine: &Engine, job: FetchAttachment) -> Result<(), FetchError> {
    let Some((file, way)) = find(engine, job).await? else { return Ok(()) };
    let Some(way) = way else { return end(engine, job, AttachmentStatus::Lost).await };
    if file.size.is_some_and(|size| u64::try_from(size).unwrap_or(u64::MAX) > MOST_BYTES) {
        return end(engine, job, AttachmentStatus::TooLarge).await;
    }
    // What is known to be too much is not fetched.
    let said = file.size.unwrap_or_default();
    if !has_room(engine, &mut engine.db.read().await?, job.workspace_id, said).await? {
        return end(engine, job, AttachmentStatus::NoRoom).await;
    }

    let secret = match &way.secret_sealed {
        None => None,
        Some(sealed) => match engine.keys.open(sealed, way.channel.id.into_uuid().as_bytes()) {
            Ok(secret) => Some(secret),
            Err(_) => return end(engine, job, AttachmentStatus::Lost).await,
        },
    };
    let route = Route { secret: secret.as_ref(), address: &way.address, reply_to: None };
    let channel = engine.channels.of(way.channel.kind);
    match channel.fetch(route, &file.reference, MOST_BYTES).await {
        Ok(bytes) => store(engine, job, &bytes).await,
        Err(FetchFailed::TooLarge) => end(engine, job, AttachmentStatus::TooLarge).await,
        Err(FetchFailed::Gone(why)) => {
            tracing::warn!(reason = %why, "file of a customer cannot be fetched");
            end(engine, job, AttachmentStatus::Lost).await
        }
        Err(FetchFailed::NotNow { retry_after, error }) => {
            Err(FetchError::NotNow { retry_after, error })
        }
    }
}

/// Ends a job that was tried as often as may be.
pub async fn give_up(engine: &Engine, job: FetchAttachment) -> Result<(), FetchError> {
    end(engine, job, AttachmentStatus::Lost).await
}

/// The way to the customer who sent a file.
struct ReturnAddress {
    channel: replyx_core::channel::Channel,
    secret_sealed: Option<Vec<u8>>,
    address: replyx_core::channel::Address,
}

/// The file, unless it was fetched or is gone, with the way to its sender, if there still is one.
async fn find(
    engine: &Engine,
    job: FetchAttachment,
) -> Result<Option<(MessageFile, Option<ReturnAddress>)>, StorageError> {
    let mut tx = engine.db.read().await?;
    let workspace = job.workspace_id;
    let found = tx.workspace(workspace).attachments().find(job.attachment_id).await?;
    let Some(file) = found.filter(|file| file.status == AttachmentStatus::Waiting) else {
        return Ok(None);
    };

    let Some(dialog) = tx.workspace(workspace).dialogs().find(file.dialog_id).await? else {
        return Ok(Some((file, None)));
    };
    let access = tx.workspace(workspace).channels().access(dialog.channel_id).await?;
    let contact = tx.workspace(workspace).contacts().find(dialog.contact_id).await?;
    let way = access.zip(contact).map(|(access, contact)| ReturnAddress {
        channel: access.channel,
        secret_sealed: access.secret_sealed,
        address: contact.address,
    });
    Ok(Some((file, way)))
}

async fn store(engine: &Engine, job: FetchAttachment, bytes: &[u8]) -> Result<(), FetchError> {
    let workspace = job.workspace_id;
    let content = engine.db.keep(workspace, engine.clock.id(), bytes).await?;
    let stored = retried(|| async {
        let mut tx = engine.db.begin().await?;
        let found = tx.workspace(workspace).attachments().lock(job.attachment_id).await?;
        let Some(file) = found.filter(|file| file.status == AttachmentStatus::Waiting) else {
            return Ok(false);
        };

        // Channels need not say how large a file is.
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let has_room = has_room(engine, &mut tx, workspace, size).await?;
        let now = engine.clock.now();
        if has_room {
            tx.apply(file.store(bytes, content, now)).await?;
        } else {
            tx.apply(file.fail(AttachmentStatus::NoRoom, now)).await?;
        }
        tx.commit().await?;
        Ok(has_room)
    });
    // Somebody else was faster, it does not fit, or it is gone with its workspace.
    if !stored.await? {
        engine.db.discard(workspace, content).await;
    }
    Ok(())
}

async fn end(
    engine: &Engine,
    job: FetchAttachment,
    status: AttachmentStatus,
) -> Result<(), FetchError> {
    let ended = retried(|| async {
        let mut tx = engine.db.begin().await?;
        let attachments = tx.workspace(job.workspace_id).attachments();
        let found = attachments.lock(job.attachment_id).await?;
        if let Some(file) = found.filter(|file| file.status == AttachmentStatus::Waiting) {
            tx.apply(file.fail(status, engine.clock.now())).await?;
            tx.commit().await?;
        }
        Ok(())
    });
    Ok(ended.await?)
}
