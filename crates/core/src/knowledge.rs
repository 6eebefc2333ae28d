//! Documents and the passages they are made of.

use chrono::{DateTime, Utc};

use crate::{
    ids::{AssistantId, DocumentId, PassageId, WorkspaceId},
    words::words,
};

words! {
    /// What became of a document.
    DocumentStatus {
        /// Stored, waiting for its turn.
        Queued = "queued",
        /// Being read.
        Processing = "processing",
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
        /// PDF with a text layer.
        Pdf = "pdf",
    }
}

/// A source that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Identity.
    pub id: DocumentId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Whose knowledge it is.
    pub assistant_id: AssistantId,
    /// The file's name as uploaded.
    pub name: String,
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
    /// How many passages it was cut into.
    pub passages: i64,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When its status last changed.
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
