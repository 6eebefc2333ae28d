//! Files that operators send: uploaded first, and sent with a reply.
//!
//! A document of the knowledge base is sent as a copy: the file that the customer got stays what it
//! was, whatever becomes of the document.

use replyx_core::{
    attachment::Upload,
    ids::{AttachmentId, DocumentId, WorkspaceId},
    knowledge::DocumentKind,
    setting::WORKSPACE_FILES_MB,
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::Engine;

/// A file was not stored.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The workspace keeps as much as it may.
    #[error(
        "`workspace_files_mb`: this workspace may keep {mib} MiB of documents and files; delete some"
    )]
    Full {
        /// How much it may keep, mebibytes.
        mib: i64,
    },
    /// There is no such document.
    #[error("there is no such document")]
    NoDocument,
    /// The document is a page or an answer.
    #[error("the document was not uploaded as a file: it is a page or an answer")]
    NoOriginal,
    /// The database or the store of files failed.
    #[error("the file could not be stored")]
    Storage(#[from] StorageError),
}

/// Stores a file that is going to be sent.
///
/// # Errors
///
/// [`UploadError::Full`] when the workspace keeps as much as it may.
pub async fn store(
    engine: &Engine,
    workspace: WorkspaceId,
    name: &str,
    bytes: &[u8],
) -> Result<Upload, UploadError> {
    let upload = Upload::of(engine.clock.id(), workspace, name, bytes, engine.clock.now());
    let content = engine.db.keep(workspace, engine.clock.id(), bytes).await?;
    let stored = repeated(|| async {
        let mut tx = engine.db.begin().await?;
        if !has_room(engine, &mut tx, workspace, upload.size).await? {
            let mib = engine.tuning.int(WORKSPACE_FILES_MB);
            return Err(UploadError::Full { mib });
        }
        tx.workspace(workspace).uploads().insert(&upload, content).await?;
        tx.commit().await?;
        Ok(())
    });
    match stored.await {
        Ok(()) => Ok(upload),
        // The transaction may have lasted all the same: the sweep knows.
        Err(error @ UploadError::Storage(_)) => Err(error),
        Err(refused) => {
            engine.db.discard(workspace, content).await;
            Err(refused)
        }
    }
}

/// May the workspace keep so many bytes more?
pub(crate) async fn has_room(
    engine: &Engine,
    tx: &mut Tx,
    workspace: WorkspaceId,
    size: i64,
) -> Result<bool, StorageError> {
    let kept = tx.workspace(workspace).files().bytes().await?;
    let most = engine.tuning.int(WORKSPACE_FILES_MB).saturating_mul(1 << 20);
    Ok(kept.saturating_add(size) <= most)
}

/// Copies documents to be sent. What was copied before one that cannot be is forgotten again.
pub(crate) async fn copy(
    engine: &Engine,
    workspace: WorkspaceId,
    documents: &[DocumentId],
) -> Result<Vec<AttachmentId>, UploadError> {
    let mut copies = Vec::new();
    for document in documents {
        match copy_one(engine, workspace, *document).await {
            Ok(copy) => copies.push(copy),
            Err(error) => {
                forget(engine, workspace, &copies).await;
                return Err(error);
            }
        }
    }
    Ok(copies)
}

async fn copy_one(
    engine: &Engine,
    workspace: WorkspaceId,
    id: DocumentId,
) -> Result<AttachmentId, UploadError> {
    let mut tx = engine.db.read().await?;
    let found = tx.workspace(workspace).documents().find(id).await?;
    let document = found.ok_or(UploadError::NoDocument)?;
    if document.page.is_some() || document.kind == DocumentKind::Answer {
        return Err(UploadError::NoOriginal);
    }
    let original = tx.workspace(workspace).documents().original(id).await?;
    drop(tx);

    let original = original.ok_or(UploadError::NoOriginal)?;
    let bytes = engine.db.bytes_of(workspace, original).await?;
    Ok(store(engine, workspace, &document.name, &bytes).await?.id)
}

/// Forgets files that were not sent after all. What fails here is forgotten after a day.
pub(crate) async fn forget(engine: &Engine, workspace: WorkspaceId, files: &[AttachmentId]) {
    if files.is_empty() {
        return;
    }
    let forgotten = repeated(|| async {
        let mut tx = engine.db.begin().await?;
        for file in files {
            tx.workspace(workspace).uploads().delete(*file).await?;
        }
        tx.commit().await?;
        Ok::<_, StorageError>(())
    });
    if let Err(error) = forgotten.await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "files that were not sent could not be deleted");
    }
}
