//! Acts on documents, answers and sources.

use super::acts;
use crate::{
    ids::{AssistantId, DocumentId, SourceId},
    knowledge::SourceKind,
};

acts! {
    WorkspaceLog, table KNOWLEDGE;

    /// A document was uploaded.
    DocumentUploaded = "document.uploaded" on document: DocumentId {
        name: String,
        assistant_id: AssistantId,
        size: i64,
    }

    /// The file of a document was replaced.
    DocumentReplaced = "document.replaced" on document: DocumentId {
        name: String,
        before: String,
        size: i64,
    }

    /// A document was renamed.
    DocumentRenamed = "document.renamed" on document: DocumentId { name: String, before: String }

    /// A document got other tags.
    DocumentTagged = "document.tagged" on document: DocumentId {
        name: String,
        tags: Vec<String>,
        before: Vec<String>,
    }

    /// A document is indexed again.
    DocumentReindexed = "document.reindexed" on document: DocumentId { name: String }

    /// A document was linked to one more assistant.
    DocumentLinked = "document.linked" on document: DocumentId {
        name: String,
        assistant_id: AssistantId,
    }

    /// A document was unlinked from an assistant.
    DocumentUnlinked = "document.unlinked" on document: DocumentId {
        name: String,
        assistant_id: AssistantId,
    }

    /// A document was deleted.
    DocumentDeleted = "document.deleted" on document: DocumentId { name: String }

    /// An answer to a question was written down.
    AnswerCreated = "answer.created" on answer: DocumentId {
        name: String,
        assistant_id: AssistantId,
    }

    /// An answer to a question was changed.
    AnswerUpdated = "answer.updated" on answer: DocumentId {
        name: String,
        assistant_id: AssistantId,
    }

    /// An answer to a question was deleted.
    AnswerDeleted = "answer.deleted" on answer: DocumentId {
        name: String,
        assistant_id: AssistantId,
    }

    /// Answers were imported from a table.
    AnswersImported = "answers.imported" on assistant: AssistantId {
        imported: usize,
        skipped: usize,
    }

    /// A source was added.
    SourceCreated = "source.created" on source: SourceId {
        url: String,
        kind: SourceKind,
        assistant_id: AssistantId,
    }

    /// A source was changed.
    SourceUpdated = "source.updated" on source: SourceId {
        url: String,
        depth: i64,
        max_pages: i64,
        refresh_hours: Option<i64>,
        tags: Vec<String>,
    }

    /// A source is fetched again.
    SourceFetched = "source.fetched" on source: SourceId { url: String }

    /// A source was deleted with its pages.
    SourceDeleted = "source.deleted" on source: SourceId { url: String }
}
