//! The knowledge of assistants.

pub mod delete;
pub mod file;
pub(crate) mod form;
mod keep;
pub mod link;
pub mod list;
mod name;
mod places;
pub mod read;
pub mod reindex;
pub mod replace;
pub mod text;
pub mod unlink;
pub mod update;
pub mod upload;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::AssistantId,
    knowledge::{Document, DocumentKind, DocumentStatus, DocumentWarning, WarningCode},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

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
    #[schema(example = "markdown")]
    kind: DocumentKind,
    /// Size of the original, bytes.
    #[schema(example = 2048)]
    size: i64,
    /// SHA-256 of the original, lower-case hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    content_hash: String,
    /// `queued`, `extracting`, `chunking`, `embedding`, `ready` or `failed`.
    #[schema(example = "ready")]
    status: DocumentStatus,
    /// Why it failed.
    error: Option<String>,
    /// Parts of the document that were not read, or not read well.
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
    /// Words by which assistants choose what they find.
    #[schema(example = json!(["prices"]))]
    tags: Vec<String>,
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
            kind: document.kind,
            size: document.size,
            content_hash: document.content_hash,
            status: document.status,
            error: document.error,
            warnings: document.warnings.into_iter().map(WarningView::from).collect(),
            passages: document.passages,
            embedded: document.embedded,
            embedded_with: document.embedded_with,
            language: document.language,
            tags: document.tags,
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
    #[schema(example = "pages_without_text")]
    code: WarningCode,
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
            code: warning.code,
            count: warning.count,
            page: warning.pages.first().copied(),
            pages: warning.pages,
            names: warning.names,
            detail: warning.detail,
        }
    }
}
