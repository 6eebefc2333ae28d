//! Deleting documents: small ones at once, large ones in steps.

use chrono::{DateTime, Utc};
use replyx_core::{
    job::{Kind, Lane},
    knowledge::Document,
};
use uuid::Uuid;

use super::{Documents, SystemDocuments};
use crate::{StorageError, Tx};

/// The job that runs by the clock and calls [`SystemDocuments::purge`].
pub const PURGE: Kind = Kind { name: "delete_documents", lane: Lane::Scheduled };

/// So many passages are deleted in one transaction.
pub(crate) const STEP: u32 = 1_000;

impl Documents<'_> {
    /// Deletes a document with everything made from it.
    ///
    /// One of many passages is hidden: from now on nobody finds it. What is left of it goes with
    /// [`SystemDocuments::purge`], step by step, so that others can write in between.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub(crate) async fn delete(self, document: &Document) -> Result<(), StorageError> {
        const LARGE: &str = "
            SELECT id FROM passages WHERE workspace_id = $1 AND document_id = $2 LIMIT 1 OFFSET $3";
        const DELETE: &str =
            "DELETE FROM documents WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let workspace = self.workspace.into_uuid();
        let id = document.id.into_uuid();
        self.tx.workspace(self.workspace).knowledge().changed(document.id).await?;

        let large = value!(self.tx, Uuid, LARGE; workspace, id, i64::from(STEP));
        let deleted = if large.is_some() {
            hide(self.tx, workspace, id, document.updated_at).await?
        } else {
            run!(self.tx, DELETE; workspace, id)
        };

        StorageError::expect_one_row("documents", deleted)
    }
}

/// Hides a document until it is deleted; how many were hidden. No assistant knows it, no source
/// holds it, and it is found neither by its id nor in a list.
async fn hide(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    const HIDE: &str = "
        UPDATE documents SET deleted_at = $3, source_id = NULL, url = NULL
         WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
    const UNLINK: &str =
        "DELETE FROM document_assistants WHERE workspace_id = $1 AND document_id = $2";

    let hidden = run!(tx, HIDE; workspace, id, now);
    run!(tx, UNLINK; workspace, id);
    tx.system().jobs().hasten(PURGE, now).await?;
    Ok(hidden)
}

impl SystemDocuments<'_> {
    /// Deletes a step of what is left of documents that were deleted: some passages of one, or the
    /// last of them with the document itself. How many passages went; `None`: nothing is left.
    /// Those in which the passages of a waiting file gather are left alone.
    pub async fn purge(self) -> Result<Option<u64>, StorageError> {
        const NEXT: &str = "
            SELECT workspace_id, id FROM documents WHERE deleted_at IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM document_replacements AS waiting
                                WHERE waiting.workspace_id = documents.workspace_id
                                  AND waiting.staged_in = documents.id)
             ORDER BY workspace_id, id LIMIT 1";
        const PASSAGES: &str = "
            DELETE FROM passages
             WHERE workspace_id = $1
               AND id IN (SELECT id FROM passages WHERE workspace_id = $1 AND document_id = $2 LIMIT $3)";
        const DOCUMENT: &str =
            "DELETE FROM documents WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NOT NULL";

        let next = row!(self.tx, (Uuid, Uuid), NEXT);
        let Some((workspace, id)) = next else { return Ok(None) };
        let gone = run!(self.tx, PASSAGES; workspace, id, i64::from(STEP));
        if gone < u64::from(STEP) {
            run!(self.tx, DOCUMENT; workspace, id);
        }
        Ok(Some(gone))
    }
}
