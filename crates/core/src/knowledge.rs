//! Documents and the passages they are made of.

use chrono::{DateTime, Utc};

use crate::{
    ids::{AssistantId, DocumentId, PassageId, SourceId, WorkspaceId},
    words::words,
};

words! {
    /// What became of a document.
    DocumentStatus {
        /// Stored, waiting for its turn.
        Queued = "queued",
        /// Its text is being read.
        Extracting = "extracting",
        /// Its text is being cut into passages.
        Chunking = "chunking",
        /// Its passages are being turned into vectors.
        Embedding = "embedding",
        /// Found by search.
        Ready = "ready",
        /// Cannot be read; the document's `error` says why.
        Failed = "failed",
    }
}

words! {
    /// The formats we read.
    DocumentKind {
        /// Plain text in any common encoding.
        Text = "text",
        /// Markdown.
        Markdown = "markdown",
        /// A web page.
        Html = "html",
        /// PDF with a text layer.
        Pdf = "pdf",
        /// Microsoft Word since 2007.
        Docx = "docx",
        /// A workbook: Microsoft Excel since 2007, or `OpenDocument`.
        Xlsx = "xlsx",
        /// Rows of cells divided by commas, semicolons or tabs.
        Csv = "csv",
        /// Microsoft `PowerPoint` since 2007.
        Pptx = "pptx",
        /// JSON.
        Json = "json",
        /// Rich Text Format.
        Rtf = "rtf",
        /// `OpenDocument` text.
        Odt = "odt",
        /// A book.
        Epub = "epub",
        /// A mail.
        Eml = "eml",
        /// A question and its answer, written by people.
        Answer = "answer",
    }
}

/// A text that assistants answer from: uploaded, fetched, or written by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Identity.
    pub id: DocumentId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The assistants that know it, in the order of their ids.
    pub assistants: Vec<AssistantId>,
    /// The file's name as uploaded, or the page's address.
    pub name: String,
    /// The document's own title, where it has one.
    pub title: Option<String>,
    /// The format, decided by content.
    pub kind: DocumentKind,
    /// Size of the original, bytes.
    pub size: i64,
    /// SHA-256 of the original, lower-case hexadecimal.
    pub content_hash: String,
    /// What became of it.
    pub status: DocumentStatus,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// The language it is mostly written in (ISO 639-1), empty where that is not known.
    pub language: String,
    /// How many passages it was cut into.
    pub passages: i64,
    /// How many of them have a vector.
    pub embedded: i64,
    /// The model of these vectors, once all passages have one.
    pub embedded_with: Option<String>,
    /// Grows with every change of its passages or their vectors.
    pub revision: i64,
    /// Where it was fetched.
    pub page: Option<WebPage>,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When its status last changed.
    pub updated_at: DateTime<Utc>,
}

impl Document {
    /// What people call it: its own title, else its name.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// A document that is a page of the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebPage {
    /// The source it belongs to.
    pub source_id: SourceId,
    /// Its address.
    pub url: String,
    /// What the server called this state of it, for asking whether it changed.
    pub etag: Option<String>,
    /// When the server says it changed, as the server wrote it.
    pub last_modified: Option<String>,
    /// How often in a row it was not there.
    pub misses: i64,
}

words! {
    /// How a source finds its pages.
    SourceKind {
        /// One page.
        Page = "page",
        /// A page and what it links to, on the same site.
        Site = "site",
        /// The pages a sitemap lists.
        Sitemap = "sitemap",
    }
}

words! {
    /// What became of a source.
    SourceStatus {
        /// Waiting to be fetched.
        Queued = "queued",
        /// Being fetched.
        Fetching = "fetching",
        /// Fetched.
        Ready = "ready",
        /// Cannot be fetched; the source's `error` says why.
        Failed = "failed",
    }
}

/// Web pages that become documents and are kept up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Identity.
    pub id: SourceId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Whose knowledge it is.
    pub assistant_id: AssistantId,
    /// How its pages are found.
    pub kind: SourceKind,
    /// Where it begins.
    pub url: String,
    /// How many links away from there, 0 to 3.
    pub depth: i64,
    /// How many pages at most.
    pub max_pages: i64,
    /// How often it is fetched again, hours; never unless set.
    pub every_hours: Option<i64>,
    /// What became of it.
    pub status: SourceStatus,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// How many pages it has.
    pub pages: i64,
    /// How large they were, bytes.
    pub bytes: i64,
    /// When it was last fetched to its end.
    pub fetched_at: Option<DateTime<Utc>>,
    /// When it is due again.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A stretch of a document's text, as search returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Identity.
    pub id: PassageId,
    /// The document it is from.
    pub document_id: DocumentId,
    /// The document's title, for display.
    pub title: String,
    /// The headings above it, outermost first, joined by ` > `; empty at the top.
    pub headings: String,
    /// Its text, word for word.
    pub text: String,
    /// Its place among the document's passages, from 0.
    pub position: i64,
    /// Where it begins in the document's text, bytes.
    pub start: i64,
    /// Where it ends in the document's text, bytes, exclusive.
    pub end: i64,
    /// The page of the original it begins on, from 1, where the format has pages.
    pub page: Option<i64>,
}
