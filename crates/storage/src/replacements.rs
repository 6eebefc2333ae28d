//! New files of documents that wait to be read, while the files before them go on serving: the
//! `document_replacements` table of one workspace.
//!
//! A document has at most one. [`Replacements::apply`] makes it the document's file, in the
//! transaction that changes the passages, so a file and the passages that are found are always of
//! one version.

use chrono::{DateTime, Utc};
use replyx_core::{
    file::{Content, StoredBytes},
    ids::{DocumentId, FileId, WorkspaceId},
    knowledge::Replacement,
};
use uuid::Uuid;

use crate::{StorageError, Tx, files::held};

#[derive(crate::FromRow)]
struct Row {
    name: String,
    kind: String,
    size: i64,
    content_hash: String,
}

/// One workspace's waiting files.
pub struct Replacements<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Replacements<'_> {
    /// The file that waits to take a document's place.
    pub async fn find(self, id: DocumentId) -> Result<Option<Replacement>, StorageError> {
        const SQL: &str = "
            SELECT name, kind, size, content_hash FROM document_replacements
             WHERE workspace_id = $1 AND document_id = $2";
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid());
        row.map(|Row { name, kind, size, content_hash }| {
            let kind = kind.parse().map_err(StorageError::corrupt("document_replacements"))?;
            Ok(Replacement { name, kind, size, content_hash })
        })
        .transpose()
    }

    /// Its bytes, or where they are.
    pub async fn original(self, id: DocumentId) -> Result<Option<StoredBytes>, StorageError> {
        const SQL: &str = "
            SELECT original, file_id, content_hash, size FROM document_replacements
             WHERE workspace_id = $1 AND document_id = $2";
        let row = row!(self.tx, (Vec<u8>, Option<Uuid>, String, i64), SQL;
            self.workspace.into_uuid(), id.into_uuid());
        Ok(row
            .map(|(inline, file, content_hash, size)| held(inline, file, content_hash, Some(size))))
    }

    /// Keeps a file for a document, instead of one that waits already.
    ///
    /// # Errors
    ///
    /// Fails when there is no such document.
    pub async fn put(
        self,
        id: DocumentId,
        replacement: &Replacement,
        content: impl Into<Content<'_>>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO document_replacements
                   (workspace_id, document_id, name, kind, size, content_hash, original, created_at, file_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (workspace_id, document_id) DO UPDATE
               SET name = excluded.name, kind = excluded.kind, size = excluded.size,
                   content_hash = excluded.content_hash, original = excluded.original,
                   created_at = excluded.created_at, file_id = excluded.file_id, staged_in = NULL";
        let content = content.into();
        run!(self.tx, SQL;
            self.workspace.into_uuid(), id.into_uuid(), &replacement.name, replacement.kind.as_str(),
            replacement.size, &replacement.content_hash, content.inline(), now,
            content.file().map(FileId::into_uuid));
        Ok(())
    }

    /// The hidden document in which the passages of the waiting file gather: many are stored step
    /// by step, and found together. What is left in it once the file does not wait any more goes
    /// as with documents that were deleted.
    pub async fn staged(self, id: DocumentId) -> Result<Option<DocumentId>, StorageError> {
        const SQL: &str = "
            SELECT staged_in FROM document_replacements WHERE workspace_id = $1 AND document_id = $2";
        let row = row!(self.tx, (Option<Uuid>,), SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(row.and_then(|(staged,)| staged).map(DocumentId::from))
    }

    /// Makes that document as `hidden`.
    ///
    /// # Errors
    ///
    /// Fails when no file waits.
    pub async fn stage(
        self,
        id: DocumentId,
        hidden: DocumentId,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const HIDDEN: &str = "
            INSERT INTO documents (workspace_id, id, name, kind, size, content_hash, status, created_at,
                                   updated_at, deleted_at)
            SELECT workspace_id, $3, name, kind, 0, '', 'queued', $4, $4, $4
              FROM document_replacements WHERE workspace_id = $1 AND document_id = $2";
        const STAGED: &str = "
            UPDATE document_replacements SET staged_in = $3 WHERE workspace_id = $1 AND document_id = $2";
        let workspace = self.workspace.into_uuid();
        run!(self.tx, HIDDEN; workspace, id.into_uuid(), hidden.into_uuid(), now);
        let staged = run!(self.tx, STAGED; workspace, id.into_uuid(), hidden.into_uuid());
        StorageError::expect_one_row("document_replacements", staged)
    }

    /// Renames the waiting file, if there is one: the document will be called so once it is
    /// applied.
    pub async fn rename(self, id: DocumentId, name: &str) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE document_replacements SET name = $3 WHERE workspace_id = $1 AND document_id = $2";
        run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), name);
        Ok(())
    }

    /// Makes the waiting file the document's file; what is told of it goes with
    /// `Document::index`.
    ///
    /// # Errors
    ///
    /// Fails when no file waits.
    pub async fn apply(self, id: DocumentId) -> Result<(), StorageError> {
        const MOVE: &str = "
            UPDATE document_files
               SET original = (SELECT original FROM document_replacements
                                WHERE workspace_id = $1 AND document_id = $2),
                   file_id = (SELECT file_id FROM document_replacements
                               WHERE workspace_id = $1 AND document_id = $2)
             WHERE workspace_id = $1 AND document_id = $2
               AND EXISTS (SELECT 1 FROM document_replacements
                            WHERE workspace_id = $1 AND document_id = $2)";
        const GONE: &str =
            "DELETE FROM document_replacements WHERE workspace_id = $1 AND document_id = $2";
        let moved = run!(self.tx, MOVE; self.workspace.into_uuid(), id.into_uuid());
        StorageError::expect_one_row("document_files", moved)?;
        run!(self.tx, GONE; self.workspace.into_uuid(), id.into_uuid());
        Ok(())
    }

    /// Forgets the waiting file.
    pub async fn forget(self, id: DocumentId) -> Result<(), StorageError> {
        const SQL: &str =
            "DELETE FROM document_replacements WHERE workspace_id = $1 AND document_id = $2";
        run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(())
    }
}
