//! Sources of knowledge: the `documents` and `document_files` tables of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    file::StoredBytes,
    ids::{AssistantId, DocumentId, FileId, SourceId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus, DocumentWarning, WebPage},
    rules::document::{DocumentFile, WaitingFile},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx, files::held, passages::scope_term};

macro_rules! columns {
    () => {
        "workspace_id, id, name, title, kind, size, content_hash, status, error, language, passages,
         embedded, embedded_with, revision, source_id, url, etag, last_modified, misses, warnings,
         created_at, updated_at, tags"
    };
}

mod deletion;
mod listing;
mod outdated;
mod scopes;

pub use deletion::PURGE;
pub(crate) use deletion::STEP;
pub use listing::DocumentFilter;
pub use outdated::SystemDocuments;
pub use scopes::RESCOPE;

macro_rules! find {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM documents WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL"
        )
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    name: String,
    title: Option<String>,
    kind: String,
    size: i64,
    content_hash: String,
    status: String,
    error: Option<String>,
    language: String,
    passages: i64,
    embedded: i64,
    embedded_with: Option<String>,
    revision: i64,
    source_id: Option<Uuid>,
    url: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
    misses: i64,
    warnings: Json<Vec<DocumentWarning>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    tags: Json<Vec<String>>,
}

/// One workspace's documents.
pub struct Documents<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Documents<'_> {
    /// Stores a new document with its bytes, known to its assistants.
    pub(crate) async fn insert(self, file: &DocumentFile<'_>) -> Result<(), StorageError> {
        let DocumentFile { document, content } = file;
        debug_assert_eq!(document.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO documents (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                       $19, $20, $21, $22, $23)"
        );

        const FILE: &str = "
            INSERT INTO document_files (workspace_id, document_id, original, file_id)
            VALUES ($1, $2, $3, $4)";
        const LINK: &str = "
            INSERT INTO document_assistants (workspace_id, assistant_id, document_id) VALUES ($1, $2, $3)";

        let workspace = self.workspace.into_uuid();
        let id = document.id.into_uuid();
        let page = document.page.as_ref();
        run!(self.tx, SQL;
            workspace, id, &document.name, &document.title, document.kind.as_str(), document.size,
            &document.content_hash, document.status.as_str(), &document.error, &document.language,
            document.passages, document.embedded, &document.embedded_with, document.revision,
            page.map(|page| page.source_id.into_uuid()), page.map(|page| &page.url),
            page.and_then(|page| page.etag.as_ref()), page.and_then(|page| page.last_modified.as_ref()),
            page.map_or(0, |page| page.misses), Json(&document.warnings), document.created_at,
            document.updated_at, Json(&document.tags));

        run!(self.tx, FILE;
            workspace, id, content.inline(), content.file().map(FileId::into_uuid));

        for assistant in &document.assistants {
            run!(self.tx, LINK; workspace, assistant.into_uuid(), id);
        }

        Ok(())
    }

    /// Finds a document.
    pub async fn find(self, id: DocumentId) -> Result<Option<Document>, StorageError> {
        let row = row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid());
        self.complete(row).await
    }

    /// Finds a document and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: DocumentId) -> Result<Option<Document>, StorageError> {
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        let row = row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid());
        self.complete(row).await
    }

    /// The document of an assistant with these bytes under this name, if there is one.
    pub async fn twin(
        self,
        assistant: AssistantId,
        name: &str,
        content_hash: &str,
    ) -> Result<Option<Document>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM documents
               WHERE workspace_id = $1 AND name = $3 AND content_hash = $4
                 AND id IN (SELECT document_id FROM document_assistants
                             WHERE workspace_id = $1 AND assistant_id = $2)
               ORDER BY id LIMIT 1"
        );
        let row = row!(self.tx, Row, SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), name, content_hash);
        self.complete(row).await
    }

    /// The uploaded documents of an assistant with this name, the newest first: identity, hash of
    /// the bytes, time.
    pub async fn of_name(
        self,
        assistant: AssistantId,
        name: &str,
        limit: u32,
    ) -> Result<Vec<(DocumentId, String, DateTime<Utc>)>, StorageError> {
        const SQL: &str = "
            SELECT id, content_hash, created_at FROM documents
             WHERE workspace_id = $1 AND name = $3 AND kind <> 'answer' AND source_id IS NULL
               AND id IN (SELECT document_id FROM document_assistants
                           WHERE workspace_id = $1 AND assistant_id = $2)
             ORDER BY id DESC LIMIT $4";
        let rows = rows!(self.tx, (Uuid, String, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), name, i64::from(limit));
        Ok(rows.into_iter().map(|(id, hash, at)| (id.into(), hash, at)).collect())
    }

    /// The document of a source with this address, if there is one.
    pub async fn of_page(
        self,
        source: SourceId,
        url: &str,
    ) -> Result<Option<Document>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM documents WHERE workspace_id = $1 AND source_id = $2 AND url = $3 ORDER BY id LIMIT 1"
        );
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), source.into_uuid(), url);
        self.complete(row).await
    }

    /// The bytes that were uploaded or fetched, or where they are.
    pub async fn original(self, id: DocumentId) -> Result<Option<StoredBytes>, StorageError> {
        const SQL: &str = "
            SELECT f.original, f.file_id, d.content_hash, d.size
              FROM document_files f
              JOIN documents d ON d.workspace_id = f.workspace_id AND d.id = f.document_id
             WHERE f.workspace_id = $1 AND f.document_id = $2";
        let row = row!(self.tx, (Vec<u8>, Option<Uuid>, String, i64), SQL;
            self.workspace.into_uuid(), id.into_uuid());
        Ok(row
            .map(|(inline, file, content_hash, size)| held(inline, file, content_hash, Some(size))))
    }

    /// Writes what may change of a document, and its bytes.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub(crate) async fn save_file(self, file: &DocumentFile<'_>) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE document_files SET original = $3, file_id = $4
              WHERE workspace_id = $1 AND document_id = $2";
        let DocumentFile { document, content } = file;
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), document.id.into_uuid(), content.inline(),
            content.file().map(FileId::into_uuid));
        StorageError::expect_one_row("document_files", changed)?;
        self.save(document).await
    }

    /// Writes what may change of a document, and keeps the file that is to take its place.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub(crate) async fn save_waiting(self, waiting: &WaitingFile<'_>) -> Result<(), StorageError> {
        let WaitingFile { document, file, content, at } = waiting;
        let replacements = self.tx.workspace(self.workspace).replacements();
        replacements.put(document.id, file, *content, *at).await?;
        self.save(document).await
    }

    /// The text that was read from the document; `None` before it has been.
    pub async fn text(self, id: DocumentId) -> Result<Option<String>, StorageError> {
        const SQL: &str =
            "SELECT text FROM document_files WHERE workspace_id = $1 AND document_id = $2";
        let text = value!(self.tx, Option<String>, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(text.flatten())
    }

    /// Keeps the text that was read from the document, or forgets it.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub async fn set_text(self, id: DocumentId, text: Option<&str>) -> Result<(), StorageError> {
        const SQL: &str =
            "UPDATE document_files SET text = $3 WHERE workspace_id = $1 AND document_id = $2";
        let changed = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), text);
        StorageError::expect_one_row("document_files", changed)
    }

    /// Writes what may change of a document.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub(crate) async fn save(self, document: &Document) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE documents
               SET name = $3, title = $4, kind = $5, size = $6, content_hash = $7, status = $8, error = $9,
                   language = $10, passages = $11, embedded = $12, embedded_with = $13, revision = $14,
                   etag = $15, last_modified = $16, misses = $17, warnings = $18, updated_at = $19,
                   tags = $20
             WHERE workspace_id = $1 AND id = $2";
        let page = document.page.as_ref();
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), document.id.into_uuid(), &document.name, &document.title,
            document.kind.as_str(), document.size, &document.content_hash, document.status.as_str(),
            &document.error, &document.language, document.passages, document.embedded,
            &document.embedded_with, document.revision, page.and_then(|page| page.etag.as_ref()),
            page.and_then(|page| page.last_modified.as_ref()), page.map_or(0, |page| page.misses),
            Json(&document.warnings), document.updated_at, Json(&document.tags));
        StorageError::expect_one_row("documents", changed)
    }

    /// Writes how long the index of a document is and by which rules it was made.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub async fn set_indexed(
        self,
        id: DocumentId,
        stems: i64,
        version: i64,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE documents SET stems = $3, index_version = $4 WHERE workspace_id = $1 AND id = $2";
        let changed =
            run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), stems, version);
        StorageError::expect_one_row("documents", changed)
    }

    /// Writes by which rules the index of a document counts as made, and leaves the index as it is.
    ///
    /// # Errors
    ///
    /// Fails when the document is not there.
    pub async fn set_index_version(self, id: DocumentId, version: i64) -> Result<(), StorageError> {
        const SQL: &str =
            "UPDATE documents SET index_version = $3 WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), version);
        StorageError::expect_one_row("documents", changed)
    }

    /// The rules by which the index of a document was made; 0 before there is one.
    pub async fn index_version(self, id: DocumentId) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT index_version FROM documents WHERE workspace_id = $1 AND id = $2";
        let version = value!(self.tx, i64, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(version.unwrap_or_default())
    }

    /// The scope terms of a document's passages.
    pub(crate) async fn scopes(self, id: DocumentId) -> Result<String, StorageError> {
        let known = self.tx.workspace(self.workspace).knowledge();
        let terms: Vec<String> = known.assistants(id).await?.into_iter().map(scope_term).collect();
        Ok(terms.join(" "))
    }

    async fn complete(self, row: Option<Row>) -> Result<Option<Document>, StorageError> {
        let Some(row) = row else { return Ok(None) };
        let known = self.tx.workspace(self.workspace).knowledge();
        let assistants = known.assistants(row.id.into()).await?;
        read(row, assistants).map(Some)
    }
}

fn read(row: Row, assistants: Vec<AssistantId>) -> Result<Document, StorageError> {
    let corrupt = StorageError::corrupt("documents");

    let (kind, status) =
        match (row.kind.parse::<DocumentKind>(), row.status.parse::<DocumentStatus>()) {
            (Ok(kind), Ok(status)) => (kind, status),
            (Err(error), _) | (_, Err(error)) => return Err(corrupt(error)),
        };

    let page = row.source_id.map(|source| WebPage {
        source_id: source.into(),
        url: row.url.unwrap_or_default(),
        etag: row.etag,
        last_modified: row.last_modified,
        misses: row.misses,
    });

    Ok(Document {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        assistants,
        name: row.name,
        title: row.title,
        kind,
        size: row.size,
        content_hash: row.content_hash,
        status,
        error: row.error,
        warnings: row.warnings.0,
        language: row.language,
        passages: row.passages,
        embedded: row.embedded,
        embedded_with: row.embedded_with,
        revision: row.revision,
        tags: row.tags.0,
        page,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
