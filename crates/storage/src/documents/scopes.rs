//! The scope terms of passages: by which assistants the full-text index finds them.
//!
//! A few passages are written with the link that they follow. Those of a large document are brought
//! up to date step by step, so that others can write in between: until then the full-text index,
//! which only assistants too large for the memory are searched by, finds a part of it. What is no
//! longer linked is found by nobody, whatever its passages say.

use replyx_core::{
    ids::DocumentId,
    job::{Kind, Lane},
};
use uuid::Uuid;

use super::{Documents, SystemDocuments, deletion::STEP};
use crate::StorageError;

/// The job that runs by the clock and calls [`SystemDocuments::rescope`].
pub const RESCOPE: Kind = Kind { name: "rescope_documents", lane: Lane::Scheduled };

/// Writes at most `$4` of a document's passages that say something else.
const WRITE: &str = "
    UPDATE passages SET scopes = $3
     WHERE workspace_id = $1
       AND id IN (SELECT id FROM passages
                   WHERE workspace_id = $1 AND document_id = $2 AND scopes <> $3 LIMIT $4)";

impl Documents<'_> {
    /// Brings the passages of a document, which must be locked, in step with its links: a step of
    /// them now, and the rest with [`SystemDocuments::rescope`].
    pub async fn rescope(self, id: DocumentId) -> Result<(), StorageError> {
        const MARK: &str =
            "UPDATE documents SET rescope = 1 WHERE workspace_id = $1 AND id = $2 AND rescope = 0";
        let workspace = self.workspace.into_uuid();
        let scopes = self.tx.workspace(self.workspace).documents().scopes(id).await?;

        let written = run!(self.tx, WRITE; workspace, id.into_uuid(), &scopes, i64::from(STEP));
        if written == u64::from(STEP) {
            run!(self.tx, MARK; workspace, id.into_uuid());
        }
        Ok(())
    }
}

impl SystemDocuments<'_> {
    /// Brings a step of passages in step with the links of their document. How many were changed;
    /// `None`: nothing is left.
    pub async fn rescope(self) -> Result<Option<u64>, StorageError> {
        const NEXT: &str = "
            SELECT workspace_id, id FROM documents WHERE rescope = 1 AND deleted_at IS NULL
             ORDER BY workspace_id, id LIMIT 1";
        const DONE: &str = "UPDATE documents SET rescope = 0 WHERE workspace_id = $1 AND id = $2";

        let next = row!(self.tx, (Uuid, Uuid), NEXT);
        let Some((workspace, id)) = next else { return Ok(None) };
        // Who links it waits until this step is stored, and marks it again if need be.
        self.tx.workspace(workspace.into()).documents().lock(id.into()).await?;
        let scopes = self.tx.workspace(workspace.into()).documents().scopes(id.into()).await?;

        let written = run!(self.tx, WRITE; workspace, id, &scopes, i64::from(STEP));
        if written < u64::from(STEP) {
            run!(self.tx, DONE; workspace, id);
        }
        Ok(Some(written))
    }
}
