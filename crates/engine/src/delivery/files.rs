//! The bytes of files that are sent: read when it is their turn, and only so many at once.

use std::time::Duration;

use replyx_channels::SendOutcome;
use replyx_core::{channel::Attachment, ids::AttachmentId};
use replyx_storage::{StorageError, outbox::Sendable};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::outcome::{self, Outcome};
use crate::Engine;

/// How much of files that are being sent may be in the memory of a process, KiB. The largest file
/// is less than a quarter of it.
static ROOM: Semaphore = Semaphore::const_new(256 * 1024);
/// How long a file waits for room. It keeps the place of a send in the meantime.
const PATIENCE: Duration = Duration::from_secs(10);
/// When it is tried again after that.
const AGAIN: Duration = Duration::from_secs(2);

/// A file that is about to be sent.
pub(super) struct Loaded {
    pub(super) bytes: Vec<u8>,
    /// Given back when it has been sent.
    _room: SemaphorePermit<'static>,
}

/// Reads the file that a part stands for, or says what is to be written of the part.
pub(super) async fn load(
    engine: &Engine,
    part: &Sendable,
    file: &Attachment,
) -> Result<Loaded, Outcome> {
    let Some(room) = room(file).await else {
        let error = "too many files are being sent".to_owned();
        return Err(Outcome::Again { after: AGAIN, error });
    };
    match bytes(engine, part, file).await {
        Ok(Some(bytes)) => Ok(Loaded { bytes, _room: room }),
        Ok(None) => {
            let error = "the file is not stored any more".to_owned();
            Err(Outcome::Failed { error, uncertain: false })
        }
        Err(error) if error.is_transient() => {
            let sent = SendOutcome::NotSent(format!("the file could not be read: {error}"));
            Err(outcome::of(engine, part, sent))
        }
        Err(error) => {
            let error = format!("the file cannot be read: {error}");
            Err(Outcome::Failed { error, uncertain: false })
        }
    }
}

/// Room in memory for a file; nothing where others have it all for a while.
async fn room(file: &Attachment) -> Option<SemaphorePermit<'static>> {
    let size = u32::try_from(file.size.unwrap_or_default() / 1024 + 1).unwrap_or(u32::MAX);
    timeout(PATIENCE, ROOM.acquire_many(size)).await.ok()?.ok()
}

async fn bytes(
    engine: &Engine,
    part: &Sendable,
    file: &Attachment,
) -> Result<Option<Vec<u8>>, StorageError> {
    let Ok(id) = file.reference.parse::<AttachmentId>() else { return Ok(None) };
    let mut tx = engine.db.read().await?;
    let held = tx.workspace(part.workspace_id).attachments().content(id).await?;
    drop(tx);
    match held {
        None => Ok(None),
        Some(held) => engine.db.bytes_of(part.workspace_id, held).await.map(Some),
    }
}
