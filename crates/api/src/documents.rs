//! What assistants know.

pub mod delete;
pub mod list;
mod name;
pub mod read;
pub mod reindex;
pub mod text;
pub mod upload;

use chrono::{DateTime, Utc};
use replyx_core::{clock::Clock, knowledge::Document};
use replyx_knowledge::index::IndexDocument;
use replyx_storage::{StorageError, Tx};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{DocumentKindWord, DocumentStatusWord};

/// A document, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentView {
    id: Uuid,
    assistant_id: Uuid,
    /// The file's name as uploaded, without folders.
    #[schema(example = "delivery.md")]
    name: String,
    /// The format, decided by content: `text`, `markdown` or `pdf`.
    #[schema(value_type = DocumentKindWord, example = "markdown")]
    kind: &'static str,
    /// Size of the original, bytes.
    #[schema(example = 2048)]
    size: i64,
    /// SHA-256 of the original, lower-case hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    content_hash: String,
    /// `queued`, `processing`, `ready` or `failed`.
    #[schema(value_type = DocumentStatusWord, example = "ready")]
    status: &'static str,
    /// Why it failed.
    error: Option<String>,
    /// How many passages it was cut into.
    #[schema(example = 4)]
    passages: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Document> for DocumentView {
    fn from(document: Document) -> Self {
        Self {
            id: document.id.into_uuid(),
            assistant_id: document.assistant_id.into_uuid(),
            name: document.name,
            kind: document.kind.as_str(),
            size: document.size,
            content_hash: document.content_hash,
            status: document.status.as_str(),
            error: document.error,
            passages: document.passages,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

/// Queues the reading of a document in the transaction that makes it necessary.
async fn queue(tx: &mut Tx, document: &Document, clock: &Clock) -> Result<(), StorageError> {
    let job = IndexDocument { workspace_id: document.workspace_id, document_id: document.id };
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    tx.workspace(document.workspace_id)
        .jobs()
        .enqueue(clock.id(), IndexDocument::KIND, &payload, clock.now())
        .await
}
