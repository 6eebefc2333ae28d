//! What a crawl finds of a page that is a document.

use chrono::{DateTime, Utc};

use super::DocumentFile;
use crate::{
    change::{Change, Deleted},
    file::Content,
    knowledge::{Document, DocumentKind, DocumentStatus, Fingerprint, WebPage},
};

/// A page that is not there so often in a row is deleted.
const MISSES: i64 = 2;

/// What became of a page that was not there.
#[derive(Clone, Debug, PartialEq)]
pub enum MissedPage {
    /// It is kept: it may come back.
    Kept(Change<Document>),
    /// It was not there too often.
    Gone(Change<Deleted<Document>>),
}

impl Document {
    /// Was fetched again, and says the same. `None`: so does what the server says of it.
    pub fn refetch_page(mut self, page: WebPage, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.page.as_ref() == Some(&page) {
            return None;
        }
        self.page = Some(page);
        Some(self.told(now))
    }

    /// Was fetched again, and says something else. One that failed waits to be read again.
    pub fn change_page<'b>(
        mut self,
        page: WebPage,
        kind: DocumentKind,
        original: &Fingerprint,
        content: impl Into<Content<'b>>,
        now: DateTime<Utc>,
    ) -> Change<DocumentFile<'b>> {
        self.page = Some(page);
        self.kind = kind;
        self.set_original(original);
        self.updated_at = now;
        if self.status == DocumentStatus::Failed {
            self.status = DocumentStatus::Queued;
            self.error = None;
        }
        self.told(now).with(|document| DocumentFile { document, content: content.into() })
    }

    /// The page is there. `None`: it was not missing.
    pub fn find_page(mut self, now: DateTime<Utc>) -> Option<Change<Self>> {
        let page = self.page.as_mut().filter(|page| page.misses > 0)?;
        page.misses = 0;
        Some(self.told(now))
    }

    /// The page is not there. `None`: the document is no page.
    pub fn miss_page(mut self, now: DateTime<Utc>) -> Option<MissedPage> {
        let page = self.page.as_mut()?;
        page.misses += 1;
        let gone = page.misses >= MISSES;
        Some(if gone {
            MissedPage::Gone(self.remove(now))
        } else {
            MissedPage::Kept(self.told(now))
        })
    }
}
