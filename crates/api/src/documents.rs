//! The knowledge of assistants.

pub mod delete;
pub mod file;
mod form;
mod keep;
pub mod link;
pub mod list;
mod name;
pub mod read;
pub mod reindex;
pub mod replace;
pub mod text;
pub mod unlink;
pub mod update;
pub mod upload;

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus, DocumentWarning},
    secret::sha256_hex,
};
use replyx_knowledge::index::IndexDocument;
use replyx_storage::{StorageError, Tx};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult},
    words::{DocumentKindWord, DocumentStatusWord, WarningCodeWord},
};

/// A document, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentView {
    id: Uuid,
    /// The assistants that know it.
    assistant_ids: Vec<Uuid>,
    /// The file's name as uploaded, without folders, or the page's address.
    #[schema(example = "delivery.md")]
    name: String,
    /// The document's own title, where it has one.
    #[schema(example = "Delivery")]
    title: Option<String>,
    /// The format, decided by content.
    #[schema(value_type = DocumentKindWord, example = "markdown")]
    kind: &'static str,
    /// Size of the original, bytes.
    #[schema(example = 2048)]
    size: i64,
    /// SHA-256 of the original, lower-case hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    content_hash: String,
    /// `queued`, `extracting`, `chunking`, `embedding`, `ready` or `failed`.
    #[schema(value_type = DocumentStatusWord, example = "ready")]
    status: &'static str,
    /// Why it failed.
    error: Option<String>,
    /// What was not read, or not well, although the document could be read.
    warnings: Vec<WarningView>,
    /// How many passages it was cut into.
    #[schema(example = 4)]
    passages: i64,
    /// How many of them have a vector: words find them all from `embedding` on.
    #[schema(example = 4)]
    embedded: i64,
    /// The model of these vectors.
    #[schema(example = "multilingual-e5-small")]
    embedded_with: Option<String>,
    /// The language it is mostly written in (ISO 639-1); empty where that is not known.
    #[schema(example = "en")]
    language: String,
    /// The source it was fetched for.
    source_id: Option<Uuid>,
    /// Where it was fetched.
    #[schema(example = "https://example.org/delivery")]
    url: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Document> for DocumentView {
    fn from(document: Document) -> Self {
        Self {
            id: document.id.into_uuid(),
            assistant_ids: document.assistants.into_iter().map(AssistantId::into_uuid).collect(),
            name: document.name,
            title: document.title,
            kind: document.kind.as_str(),
            size: document.size,
            content_hash: document.content_hash,
            status: document.status.as_str(),
            error: document.error,
            warnings: document.warnings.into_iter().map(WarningView::from).collect(),
            passages: document.passages,
            embedded: document.embedded,
            embedded_with: document.embedded_with,
            language: document.language,
            source_id: document.page.as_ref().map(|page| page.source_id.into_uuid()),
            url: document.page.map(|page| page.url),
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

/// Something that an owner should know of a document that could be read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentWarning)]
pub struct WarningView {
    /// What it is.
    #[schema(value_type = WarningCodeWord, example = "pages_without_text")]
    code: &'static str,
    /// How many pages, sheets, rows or values are concerned.
    #[schema(example = 2)]
    count: i64,
    /// The first page that is concerned, from 1, where pages are.
    #[schema(example = 3)]
    page: Option<i64>,
    /// The pages that are concerned, at most 50.
    #[schema(example = json!([3, 4]))]
    pages: Vec<i64>,
    /// The names of what is concerned (sheets, attachments), at most 50.
    #[schema(example = json!([]))]
    names: Vec<String>,
    /// The same in a sentence.
    #[schema(example = "pages 3, 4 have no text: they seem to be pictures or scans")]
    detail: String,
}

impl From<DocumentWarning> for WarningView {
    fn from(warning: DocumentWarning) -> Self {
        Self {
            code: warning.code.as_str(),
            count: warning.count,
            page: warning.pages.first().copied(),
            pages: warning.pages,
            names: warning.names,
            detail: warning.detail,
        }
    }
}

/// The document, unless there is none. Answers written by people are shown and changed as such
/// alone.
fn real(found: Option<Document>) -> ApiResult<Document> {
    let found = found.filter(|document| document.kind != DocumentKind::Answer);
    found.ok_or(ApiError::NotFound("document"))
}

/// So many documents of a workspace may wait to be read. Workspaces take turns, so it is their own
/// time they wait for.
const MOST_WAITING: i64 = 10_000;

/// Refuses more work where a workspace has enough waiting.
pub(crate) async fn may_queue(tx: &mut Tx, workspace: WorkspaceId) -> ApiResult<()> {
    let jobs = tx.workspace(workspace).jobs();
    if jobs.waiting(IndexDocument::KIND, MOST_WAITING).await? < MOST_WAITING {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "too_many_waiting",
        detail: format!(
            "{MOST_WAITING} documents of this workspace wait to be read; try again when some are done"
        ),
    })
}

/// Queues the reading of a document in the transaction that makes it necessary.
pub(crate) async fn queue(
    tx: &mut Tx,
    document: &Document,
    clock: &Clock,
) -> Result<(), StorageError> {
    let job = IndexDocument { workspace_id: document.workspace_id, document_id: document.id };
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    let jobs = tx.workspace(document.workspace_id).jobs();
    jobs.enqueue(clock.id(), IndexDocument::KIND, &payload, clock.now()).await
}

/// As [`queue`], unless the reading waits already.
pub(crate) async fn queue_once(
    tx: &mut Tx,
    document: &Document,
    clock: &Clock,
) -> Result<(), StorageError> {
    let job = IndexDocument { workspace_id: document.workspace_id, document_id: document.id };
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    let jobs = tx.workspace(document.workspace_id).jobs();
    jobs.enqueue_once(clock.id(), IndexDocument::KIND, &payload, clock.now()).await
}

/// A new document that waits to be read.
pub(crate) fn new(
    clock: &Clock,
    workspace: WorkspaceId,
    assistant: AssistantId,
    name: String,
    kind: DocumentKind,
    bytes: &[u8],
) -> Document {
    let now = clock.now();
    Document {
        id: clock.id(),
        workspace_id: workspace,
        assistants: vec![assistant],
        name,
        title: None,
        kind,
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        content_hash: sha256_hex(bytes),
        status: DocumentStatus::Queued,
        error: None,
        warnings: Vec::new(),
        language: String::new(),
        passages: 0,
        embedded: 0,
        embedded_with: None,
        revision: 0,
        page: None,
        created_at: now,
        updated_at: now,
    }
}
