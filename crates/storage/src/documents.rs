//! Sources: the `documents` and `document_files` tables of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    event::Event,
    ids::{AssistantId, DocumentId, WorkspaceId},
    knowledge::{Document, DocumentStatus},
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, assistant_id, name, kind, size, content_hash, status, error, passages,
         created_at, updated_at"
    };
}

macro_rules! find {
    () => {
        concat!("SELECT ", columns!(), " FROM documents WHERE workspace_id = $1 AND id = $2")
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    name: String,
    kind: String,
    size: i64,
    content_hash: String,
    status: String,
    error: Option<String>,
    passages: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One workspace's documents.
pub struct Documents<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Documents<'_> {
    /// Stores a new document with the bytes that were uploaded, and tells the log.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert(self, document: &Document, original: &[u8]) -> Result<(), StorageError> {
        debug_assert_eq!(document.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO documents (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        const FILE: &str = "
            INSERT INTO document_files (workspace_id, document_id, original) VALUES ($1, $2, $3)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), document.id.into_uuid(), document.assistant_id.into_uuid(),
            &document.name, document.kind.as_str(), document.size, &document.content_hash,
            document.status.as_str(), &document.error, document.passages, document.created_at,
            document.updated_at);
        run!(self.tx, FILE; self.workspace.into_uuid(), document.id.into_uuid(), original);
        self.tx.record(self.workspace, status_event(document), document.created_at);
        Ok(())
    }

    /// Finds a document.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the row cannot be read.
    pub async fn find(self, id: DocumentId) -> Result<Option<Document>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds a document and keeps others from changing it until the transaction ends.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn lock(self, id: DocumentId) -> Result<Option<Document>, StorageError> {
        let sql = self.tx.sql(concat!(find!(), " FOR UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// A page of the documents, of one assistant or of all, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or a row cannot be read.
    pub async fn list(
        self,
        assistant: Option<AssistantId>,
        page: PageRequest<DocumentId>,
    ) -> Result<Page<Document, DocumentId>, StorageError> {
        const ALL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM documents WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        );
        const OF_ONE: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM documents WHERE workspace_id = $1 AND id > $2 AND assistant_id = $4
               ORDER BY id LIMIT $3"
        );
        let after = page.after.map_or(Uuid::nil(), DocumentId::into_uuid);
        let (workspace, limit) = (self.workspace.into_uuid(), i64::from(page.limit) + 1);
        let rows = if let Some(assistant) = assistant {
            rows!(self.tx, Row, OF_ONE; workspace, after, limit, assistant.into_uuid())
        } else {
            rows!(self.tx, Row, ALL; workspace, after, limit)
        };
        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |document: &Document| document.id))
    }

    /// The bytes that were uploaded.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn original(self, id: DocumentId) -> Result<Option<Vec<u8>>, StorageError> {
        const SQL: &str =
            "SELECT original FROM document_files WHERE workspace_id = $1 AND document_id = $2";
        Ok(value!(self.tx, Vec<u8>, SQL; self.workspace.into_uuid(), id.into_uuid()))
    }

    /// The text that was read from the document; `None` before it has been.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn text(self, id: DocumentId) -> Result<Option<String>, StorageError> {
        const SQL: &str =
            "SELECT text FROM document_files WHERE workspace_id = $1 AND document_id = $2";
        let text = value!(self.tx, Option<String>, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(text.flatten())
    }

    /// Keeps the text that was read from the document.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the document is not there.
    pub async fn set_text(self, id: DocumentId, text: &str) -> Result<(), StorageError> {
        const SQL: &str =
            "UPDATE document_files SET text = $3 WHERE workspace_id = $1 AND document_id = $2";
        let changed = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), text);
        StorageError::expect_one_row("document_files", changed)
    }

    /// Writes a document's status, error and number of passages, and tells the log.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the document is not there.
    pub async fn save(self, document: &Document) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE documents SET status = $3, error = $4, passages = $5, updated_at = $6
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), document.id.into_uuid(), document.status.as_str(),
            &document.error, document.passages, document.updated_at);
        StorageError::expect_one_row("documents", changed)?;
        self.tx.record(self.workspace, status_event(document), document.updated_at);
        Ok(())
    }

    /// Deletes a document with everything made from it, and tells the log. `false`: there is none.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete(
        self,
        document: &Document,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "DELETE FROM documents WHERE workspace_id = $1 AND id = $2";
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), document.id.into_uuid());
        if deleted == 1 {
            let event = Event::DocumentDeleted {
                document_id: document.id,
                assistant_id: document.assistant_id,
            };
            self.tx.record(self.workspace, event, now);
        }
        Ok(deleted == 1)
    }
}

fn status_event(document: &Document) -> Event {
    Event::DocumentStatus {
        document_id: document.id,
        assistant_id: document.assistant_id,
        status: document.status,
        error: document.error.clone(),
    }
}

fn read(row: Row) -> Result<Document, StorageError> {
    let corrupt = StorageError::corrupt("documents");
    let (kind, status) = match (row.kind.parse(), row.status.parse::<DocumentStatus>()) {
        (Ok(kind), Ok(status)) => (kind, status),
        (Err(error), _) | (_, Err(error)) => return Err(corrupt(error)),
    };
    Ok(Document {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        assistant_id: row.assistant_id.into(),
        name: row.name,
        kind,
        size: row.size,
        content_hash: row.content_hash,
        status,
        error: row.error,
        passages: row.passages,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
