//! Which version of a document is being read.
//!
//! A new file waits beside the one that serves. What was read counts only while the version that it
//! was read from is the newest one: the change enqueued another job.

use replyx_core::knowledge::{Document, DocumentKind, DocumentStatus, Replacement};
use replyx_storage::{StorageError, Tx};

use super::{IndexContext, IndexDocument, IndexError, step};

/// What is being read.
pub(super) struct Reading {
    /// What the document is called, or will be.
    pub(super) name: String,
    /// The format of the bytes.
    pub(super) kind: DocumentKind,
    /// The hash of the bytes, as it was told.
    content_hash: String,
    /// Is it a file that waits to replace the document's?
    is_new: bool,
}

impl Reading {
    /// Marks the document as being read and fetches its newest bytes.
    pub(super) async fn begin(
        tools: IndexContext<'_>,
        job: IndexDocument,
    ) -> Result<Option<(Self, Vec<u8>)>, IndexError> {
        step(tools, job, DocumentStatus::Extracting).await?;
        let mut tx = tools.db.read().await?;
        let Some(reading) = Self::newest(&mut tx, job).await? else { return Ok(None) };
        let scope = tx.workspace(job.workspace_id);
        let original = if reading.is_new {
            scope.replacements().original(job.document_id).await?
        } else {
            scope.documents().original(job.document_id).await?
        };
        drop(tx);

        let Some(original) = original else { return Ok(Some((reading, Vec::new()))) };
        let bytes = tools.db.bytes_of(job.workspace_id, original).await?;
        Ok(Some((reading, bytes)))
    }

    /// The newest version of a document, if it is there.
    pub(super) async fn newest(
        tx: &mut Tx,
        job: IndexDocument,
    ) -> Result<Option<Self>, StorageError> {
        let found = tx.workspace(job.workspace_id).documents().find(job.document_id).await?;
        let Some(Document { name, kind, content_hash, .. }) = found else { return Ok(None) };
        let waiting = tx.workspace(job.workspace_id).replacements().find(job.document_id).await?;
        Ok(Some(match waiting {
            None => Self { name, kind, content_hash, is_new: false },
            Some(Replacement { name, kind, content_hash, .. }) => {
                Self { name, kind, content_hash, is_new: true }
            }
        }))
    }

    /// Is it a file that waits to replace the document's?
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Locks the document, if it is there and what was read is still the newest of it; with the
    /// file that waits.
    pub(super) async fn lock(
        &self,
        tx: &mut Tx,
        job: IndexDocument,
    ) -> Result<Option<(Document, Option<Replacement>)>, StorageError> {
        let locked = tx.workspace(job.workspace_id).documents().lock(job.document_id).await?;
        let Some(document) = locked else { return Ok(None) };
        let waiting = tx.workspace(job.workspace_id).replacements().find(document.id).await?;
        let same = match &waiting {
            Some(file) if self.is_new => file.content_hash == self.content_hash,
            _ => !self.is_new && document.content_hash == self.content_hash,
        };
        Ok(same.then_some((document, waiting)))
    }

    /// The waiting file, if it is what was read.
    pub(super) fn replaces<'a>(&self, waiting: Option<&'a Replacement>) -> Option<&'a Replacement> {
        waiting.filter(|_| self.is_new)
    }
}
