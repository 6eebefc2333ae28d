//! Documents and the passages they are made of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    ids::{AssistantId, DocumentId, PassageId, SourceId, WorkspaceId},
    secret::sha256_hex,
    words::words,
};

words! {
    /// The status of a document.
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
    /// The workspace it belongs to.
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
    /// Its status.
    pub status: DocumentStatus,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// Warnings for the owner of a document that could be read.
    pub warnings: Vec<DocumentWarning>,
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
    /// Words by which assistants choose what they find, in order.
    pub tags: Vec<String>,
    /// Where it was fetched.
    pub page: Option<WebPage>,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When its status last changed.
    pub updated_at: DateTime<Utc>,
}

/// The size and the hash of a document's original. Only the bytes themselves give one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    size: i64,
    content_hash: String,
}

impl Fingerprint {
    /// That of these bytes. Large files take some milliseconds.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            content_hash: sha256_hex(bytes),
        }
    }

    /// Bytes.
    pub const fn size(&self) -> i64 {
        self.size
    }

    /// SHA-256, lower-case hexadecimal.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }
}

/// A file that is to take a document's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// What the document will be called.
    pub name: String,
    /// Its format, decided by content.
    pub kind: DocumentKind,
    /// Its size, bytes.
    pub size: i64,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub content_hash: String,
}

/// What makes a document: the rest is found out when it is read.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant that will know it.
    pub assistant_id: AssistantId,
    /// The file's name, or the page's address.
    pub name: String,
    /// The format, decided by content.
    pub kind: DocumentKind,
    /// Where it was fetched.
    pub page: Option<WebPage>,
    /// The original.
    pub original: Fingerprint,
}

impl Document {
    /// A new document that waits to be read.
    pub fn queued(clock: &Clock, new: NewDocument) -> Self {
        let now = clock.now();

        Self {
            id: clock.id(),
            workspace_id: new.workspace_id,
            assistants: vec![new.assistant_id],
            name: new.name,
            title: None,
            kind: new.kind,
            size: new.original.size,
            content_hash: new.original.content_hash,
            status: DocumentStatus::Queued,
            error: None,
            warnings: Vec::new(),
            language: String::new(),
            passages: 0,
            embedded: 0,
            embedded_with: None,
            revision: 0,
            tags: Vec::new(),
            page: new.page,
            created_at: now,
            updated_at: now,
        }
    }

    /// At most so many tags.
    pub const TAGS: usize = 20;
    /// The longest tag, characters.
    pub const TAG: usize = 50;

    /// Has another original from now on.
    pub fn set_original(&mut self, original: &Fingerprint) {
        self.size = original.size;
        self.content_hash.clone_from(&original.content_hash);
    }

    /// What people call it: its own title, else its name.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

words! {
    /// A warning about a document that could be read.
    WarningCode {
        /// Pages or slides without any text: pictures or scans.
        PagesWithoutText = "pages_without_text",
        /// Pages with hardly any text.
        ThinPages = "thin_pages",
        /// Pages that are damaged, and left out.
        DamagedPages = "damaged_pages",
        /// What somebody filled into a form is not read.
        FormValuesSkipped = "form_values_skipped",
        /// Hidden sheets are left out.
        HiddenSheets = "hidden_sheets",
        /// Hidden slides are left out.
        HiddenSlides = "hidden_slides",
        /// Rows of a table without a row that names the columns.
        RowsWithoutHeader = "rows_without_header",
        /// Attachments are named, and not read.
        AttachmentsSkipped = "attachments_skipped",
        /// A newer file could not be read: the one before goes on serving.
        ReplacementFailed = "replacement_failed",
    }
}

/// Something that an owner should know of a document that could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentWarning {
    /// What it is.
    pub code: WarningCode,
    /// How many pages, sheets, rows or values are concerned.
    pub count: i64,
    /// The pages that are concerned, from 1; the first [`DocumentWarning::LISTED`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<i64>,
    /// The names of sheets or attachments that are concerned; the first [`DocumentWarning::LISTED`]
    /// of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The same in a sentence for the owner.
    pub detail: String,
}

impl DocumentWarning {
    /// At most so many pages or names are listed.
    pub const LISTED: usize = 50;

    /// A warning about these pages, counted from 1.
    pub fn pages(code: WarningCode, pages: &[usize], detail: impl Into<String>) -> Self {
        let number = |page: &usize| i64::try_from(*page).unwrap_or(i64::MAX);
        Self {
            code,
            count: i64::try_from(pages.len()).unwrap_or(i64::MAX),
            pages: pages.iter().take(Self::LISTED).map(number).collect(),
            names: Vec::new(),
            detail: detail.into(),
        }
    }

    /// A warning about what has these names.
    pub fn names(code: WarningCode, names: Vec<String>, detail: impl Into<String>) -> Self {
        let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
        let names = names.into_iter().take(Self::LISTED).collect();
        Self { code, count, pages: Vec::new(), names, detail: detail.into() }
    }

    /// A warning about so many things.
    pub fn count(code: WarningCode, count: usize, detail: impl Into<String>) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Self { code, count, pages: Vec::new(), names: Vec::new(), detail: detail.into() }
    }
}

/// Numbers in a sentence: `1 to 3, 7 and 9`; many are cut off.
pub fn enumerated(numbers: &[usize]) -> String {
    /// So many stretches are told.
    const TOLD: usize = 8;
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match stretches.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => stretches.push((*number, *number)),
        }
    }
    let more = stretches.len() > TOLD;
    let said: Vec<String> = stretches
        .into_iter()
        .take(TOLD)
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        })
        .collect();
    if more {
        return format!("{} and others", said.join(", "));
    }
    match said.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
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
    /// The status of a source.
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
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant that knows it.
    pub assistant_id: AssistantId,
    /// How its pages are found.
    pub kind: SourceKind,
    /// Its start address.
    pub url: String,
    /// How many links away from there, 0 to 3.
    pub depth: i64,
    /// How many pages at most.
    pub max_pages: i64,
    /// How often it is fetched again, hours; never unless set.
    pub every_hours: Option<i64>,
    /// What its new pages are tagged with.
    pub tags: Vec<String>,
    /// Its status.
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
    /// When it was created.
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

/// Tags as they are kept: in small letters, without the spaces around them, each once, in order.
pub fn tags(given: &[String]) -> Vec<String> {
    let mut tags: Vec<String> = given.iter().map(|tag| tag.trim().to_lowercase()).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_stretches() {
        assert_eq!(enumerated(&[]), "");
        assert_eq!(enumerated(&[4]), "4");
        assert_eq!(enumerated(&[1, 2, 3, 7, 9]), "1 to 3, 7 and 9");
        assert_eq!(enumerated(&[2, 3]), "2, 3");
        let odd: Vec<usize> = (0..40).map(|number| number * 2).collect();
        assert_eq!(enumerated(&odd), "0, 2, 4, 6, 8, 10, 12, 14 and others");
    }

    #[test]
    fn the_stored_form_of_a_warning_is_stable() {
        let warning = DocumentWarning::pages(WarningCode::ThinPages, &[2], "page 2 is thin");
        let stored = serde_json::json!({
            "code": "thin_pages", "count": 1, "pages": [2], "detail": "page 2 is thin"
        });
        assert_eq!(serde_json::to_value(&warning).unwrap(), stored);
        assert_eq!(serde_json::from_value::<DocumentWarning>(stored).unwrap(), warning);
    }
}
