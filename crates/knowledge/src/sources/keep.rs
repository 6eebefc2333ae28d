//! One page becomes, changes or leaves a document.

use replyx_core::{
    change::New,
    file::{Content, StoredBytes},
    ids::DocumentId,
    knowledge::{Document, DocumentKind, Fingerprint, NewDocument, Source, WebPage},
    rules::{document::MissedPage, source::Fetched},
};
use replyx_crawl::{Outcome, Page, Visit};
use replyx_storage::{StorageError, Tx};
use url::Url;

use super::{FetchContext, FetchSource, Progress, goes_at_once};
use crate::index::{self, IndexDocument};

/// What became of a page.
pub(super) enum Kept {
    /// The source was deleted.
    SourceGone,
    /// Its document is there, now.
    Page {
        /// Its size.
        bytes: usize,
    },
    /// Its document is as it was.
    Unchanged {
        /// Its bytes, or where they are.
        original: StoredBytes,
    },
    /// There is no document of it, or it is as it was for want of news.
    Nothing,
}

/// Writes one visit down, and how far the crawl is if that is to be told.
pub(super) async fn visit(
    tools: FetchContext<'_>,
    job: FetchSource,
    visit: &Visit,
    tell: Option<&Progress>,
) -> Result<Kept, StorageError> {
    // Before the source is locked: others wait for it.
    let original = match &visit.outcome {
        Outcome::Page { page, .. } => Fingerprint::of(&page.body),
        _ => Fingerprint::of(&[]),
    };
    let content = match &visit.outcome {
        Outcome::Page { page, .. } => content(tools, job, page, &original).await?,
        _ => Content::Inline(&[]),
    };

    let mut tx = tools.db.begin().await?;
    let found = tx.workspace(job.workspace_id).sources().lock(job.source_id).await?;
    let Some(source) = found else { return Ok(Kept::SourceGone) };
    let mut desk = Desk { tools, tx: &mut tx, source: &source };
    if visit.asked != visit.url {
        desk.lock(&[&visit.asked, &visit.url]).await?;
        desk.remove(&visit.asked).await?;
    }

    let kept = match &visit.outcome {
        Outcome::Page { kind, page } => {
            desk.keep(*kind, page, original, content).await?;
            Kept::Page { bytes: page.body.len() }
        }
        Outcome::Unchanged => desk.confirm(&visit.url).await?,
        Outcome::Gone => desk.miss(&visit.url).await?,
        Outcome::Skipped(skip) if goes_at_once(*skip) => desk.remove(&visit.url).await?,
        Outcome::Skipped(_) | Outcome::Failed(_) => Kept::Nothing,
    };

    if let Some(progress) = tell {
        let so_far = Fetched { pages: progress.pages, bytes: progress.bytes };
        tx.apply(source.progress(so_far, tools.clock.now())).await?;
    }

    tx.commit().await?;
    Ok(kept)
}

/// Keeps the bytes of a page before the transaction that needs them. Those of a page that is as it
/// was are kept already.
async fn content<'p>(
    tools: FetchContext<'_>,
    job: FetchSource,
    page: &'p Page,
    original: &Fingerprint,
) -> Result<Content<'p>, StorageError> {
    if !tools.db.files().takes(page.body.len()) {
        return Ok(Content::Inline(&page.body));
    }

    let mut tx = tools.db.read().await?;
    let documents = tx.workspace(job.workspace_id).documents();
    let known = documents.of_page(job.source_id, page.url.as_str()).await?;
    drop(tx);
    if known.is_some_and(|document| document.content_hash == original.content_hash()) {
        return Ok(Content::Inline(&page.body));
    }
    tools.db.keep(job.workspace_id, tools.clock.id(), &page.body).await
}

/// Writes documents of one source, whose row is locked.
struct Desk<'a> {
    tools: FetchContext<'a>,
    tx: &'a mut Tx,
    source: &'a Source,
}

impl Desk<'_> {
    /// The document of a page, locked: it may be indexed at the same time.
    async fn find(&mut self, url: &Url) -> Result<Option<Document>, StorageError> {
        let workspace = self.source.workspace_id;
        let documents = self.tx.workspace(workspace).documents();
        let Some(found) = documents.of_page(self.source.id, url.as_str()).await? else {
            return Ok(None);
        };
        self.tx.workspace(workspace).documents().lock(found.id).await
    }

    /// Locks the documents of two pages with all that know them, before the first of them goes.
    async fn lock(&mut self, urls: &[&Url]) -> Result<(), StorageError> {
        let workspace = self.source.workspace_id;
        let mut found = Vec::new();
        for url in urls {
            let documents = self.tx.workspace(workspace).documents();
            found.extend(documents.of_page(self.source.id, url.as_str()).await?);
        }
        let ids: Vec<DocumentId> = found.into_iter().map(|document| document.id).collect();
        self.tx.workspace(workspace).knowledge().lock(&ids, &[]).await
    }

    async fn keep(
        &mut self,
        kind: DocumentKind,
        page: &Page,
        original: Fingerprint,
        content: Content<'_>,
    ) -> Result<(), StorageError> {
        let found = self.find(&page.url).await?;
        let workspace = self.source.workspace_id;
        let now = self.tools.clock.now();

        let web = WebPage {
            source_id: self.source.id,
            url: page.url.to_string(),
            etag: page.validators.etag.clone(),
            last_modified: page.validators.last_modified.clone(),
            misses: 0,
        };

        let id = if let Some(document) = found {
            if document.content_hash == original.content_hash() {
                if let Some(change) = document.refetch_page(web, now) {
                    self.tx.apply(change).await?;
                }
                return Ok(());
            }
            let change = document.change_page(web, kind, &original, content, now);
            self.tx.apply(change).await?.document.id
        } else {
            let new = NewDocument {
                workspace_id: workspace,
                assistant_id: self.source.assistant_id,
                name: page.url.to_string(),
                kind,
                page: Some(web),
                original,
            };
            let tags = self.source.tags.clone();
            let document = Document { tags, ..Document::queued(self.tools.clock, new) };
            let New(file) = self.tx.apply(document.store(content)).await?;
            file.document.id
        };

        let job = IndexDocument { workspace_id: workspace, document_id: id };
        index::queue_once(self.tx, self.tools.clock, job).await
    }

    /// A page that is as it was.
    async fn confirm(&mut self, url: &Url) -> Result<Kept, StorageError> {
        let Some(document) = self.find(url).await? else { return Ok(Kept::Nothing) };
        let id = document.id;
        if let Some(change) = document.find_page(self.tools.clock.now()) {
            self.tx.apply(change).await?;
        }
        let documents = self.tx.workspace(self.source.workspace_id).documents();
        let original = documents.original(id).await?.unwrap_or(StoredBytes::Inline(Vec::new()));
        Ok(Kept::Unchanged { original })
    }

    /// A page that is not there.
    async fn miss(&mut self, url: &Url) -> Result<Kept, StorageError> {
        let Some(document) = self.find(url).await? else { return Ok(Kept::Nothing) };
        match document.miss_page(self.tools.clock.now()) {
            Some(MissedPage::Kept(change)) => drop(self.tx.apply(change).await?),
            Some(MissedPage::Gone(change)) => drop(self.tx.apply(change).await?),
            None => {}
        }
        Ok(Kept::Nothing)
    }

    async fn remove(&mut self, url: &Url) -> Result<Kept, StorageError> {
        if let Some(document) = self.find(url).await? {
            self.tx.apply(document.remove(self.tools.clock.now())).await?;
        }
        Ok(Kept::Nothing)
    }
}
