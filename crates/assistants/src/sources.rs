//! Sources: web pages that assistants know.

use replyx_core::{
    actor::Caller,
    change::New,
    clock::Clock,
    ids::{AssistantId, DocumentId, SourceId, WorkspaceId},
    knowledge::{Source, SourceKind, SourceStatus, tags},
    page::PageRequest,
};
use replyx_crawl::{self as crawl, Private};
use replyx_knowledge::sources::{self, FetchSource, MAX_SOURCES, USUAL_PAGES};
use replyx_storage::{StorageError, Tx, documents::DocumentFilter, repeated};
use thiserror::Error;
use url::Url;

use crate::{Cx, Missing, Unacceptable, lock_assistant};

mod update;

pub use replyx_core::rules::source::SourceChange;
pub use update::update;

/// How many links away from the beginning the pages of a site are, unless said.
const USUAL_DEPTH: i64 = 2;
/// So many documents are deleted in one transaction: others want to write, too.
const AT_ONCE: u32 = 50;

/// A source could not be added or changed.
#[derive(Debug, Error)]
pub enum SourceError {
    /// There is no such source or assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It is no longer what the caller has read.
    #[error("the source has been changed since it was read")]
    Changed,
    /// A value cannot be accepted.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// The workspace has as many as it may have.
    #[error("a workspace has at most {MAX_SOURCES} sources")]
    TooMany,
    /// The database failed.
    #[error("the source could not be changed")]
    Storage(#[from] StorageError),
}

/// A new source. What is left out has a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSource {
    /// The start address: a page or a sitemap.
    pub url: String,
    /// How its pages are found; one page unless given.
    pub kind: Option<SourceKind>,
    /// How many links away from the beginning, for a site.
    pub depth: Option<i64>,
    /// How many pages at most.
    pub max_pages: Option<i64>,
    /// How often it is fetched again, hours; never by itself unless given.
    pub every_hours: Option<i64>,
    /// What its pages are tagged with.
    pub tags: Vec<String>,
}

impl NewSource {
    fn source(
        &self,
        clock: &Clock,
        workspace_id: WorkspaceId,
        assistant_id: AssistantId,
        url: &Url,
    ) -> Source {
        let now = clock.now();
        let kind = self.kind.unwrap_or(SourceKind::Page);
        let depth = match kind {
            SourceKind::Site => self.depth.unwrap_or(USUAL_DEPTH),
            SourceKind::Page | SourceKind::Sitemap => 0,
        };

        let max_pages = match kind {
            SourceKind::Page => 1,
            SourceKind::Site | SourceKind::Sitemap => self.max_pages.unwrap_or(USUAL_PAGES),
        };

        Source {
            id: clock.id(),
            workspace_id,
            assistant_id,
            kind,
            url: url.to_string(),
            depth,
            max_pages,
            every_hours: self.every_hours,
            tags: tags(&self.tags),
            status: SourceStatus::Queued,
            error: None,
            pages: 0,
            bytes: 0,
            fetched_at: None,
            next_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// A new source at an address that may be fetched.
#[derive(Clone, Debug)]
pub struct AdmittedSource {
    new: NewSource,
    url: Url,
}

/// Looks up where a new source leads. This may take seconds: a caller that goes on with [`create`]
/// should look again whether the caller still may.
///
/// # Errors
///
/// [`SourceError::Unacceptable`] for an address that is none that is fetched.
pub async fn admit(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    new: NewSource,
    private: Private,
) -> Result<AdmittedSource, SourceError> {
    let known =
        cx.db.read().await?.workspace(caller.workspace_id).assistants().find(assistant).await?;
    known.ok_or(Missing("assistant"))?;
    let url = admitted(&new.url, private, caller.workspace_id).await?;
    Ok(AdmittedSource { new, url })
}

/// Names web pages that an assistant will know, and queues their fetching.
pub async fn create(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    source: &AdmittedSource,
) -> Result<Source, SourceError> {
    repeated(|| create_once(cx, caller, assistant, source)).await
}

async fn create_once(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    AdmittedSource { new, url }: &AdmittedSource,
) -> Result<Source, SourceError> {
    let workspace = caller.workspace_id;
    let source = new.source(cx.clock, workspace, assistant, url);
    let mut tx = cx.db.begin().await?;
    // Locked, so that two who add the last one to different assistants see each other's.
    tx.system().workspaces().lock(workspace).await?;
    // It may have been deleted while the name was looked up.
    lock_assistant::<SourceError>(&mut tx, caller, assistant).await?;
    if tx.workspace(workspace).sources().count().await? >= MAX_SOURCES {
        return Err(SourceError::TooMany);
    }
    let New(source) = tx.apply(source.create(&caller.actor())).await?;
    queue(cx, &mut tx, &source).await?;
    tx.commit().await?;
    Ok(source)
}

/// The address, if it is one that may be fetched.
async fn admitted(
    text: &str,
    private: Private,
    workspace: WorkspaceId,
) -> Result<Url, Unacceptable> {
    let url = Url::parse(text.trim()).ok().and_then(crawl::normalise);
    let refused = |refused: crawl::Refused| Unacceptable::new("url", refused.to_string());
    let url = url.ok_or_else(|| refused(crawl::Refused::Scheme))?;
    crawl::admit(&url, private, workspace).await.map_err(refused)?;
    Ok(url)
}

async fn queue(cx: Cx<'_>, tx: &mut Tx, source: &Source) -> Result<(), StorageError> {
    let job = FetchSource { workspace_id: source.workspace_id, source_id: source.id };
    sources::queue(tx, cx.clock, job).await
}

async fn lock(tx: &mut Tx, caller: &Caller, id: SourceId) -> Result<Source, SourceError> {
    let found = tx.workspace(caller.workspace_id).sources().lock(id).await?;
    Ok(found.ok_or(Missing("source"))?)
}

/// Fetches a source again. One that waits or is being fetched is left as it is.
pub async fn fetch(cx: Cx<'_>, caller: &Caller, id: SourceId) -> Result<Source, SourceError> {
    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let source = lock(&mut tx, caller, id).await?;
        let refetched = source.clone().refetch(&caller.actor(), cx.clock.now());
        let Ok(change) = refetched else { return Ok(source) };
        let source = tx.apply(change).await?;
        queue(cx, &mut tx, &source).await?;
        tx.commit().await?;
        Ok(source)
    })
    .await
}

/// Deletes a source with its documents. A fetch in progress is stopped.
pub async fn delete(cx: Cx<'_>, caller: &Caller, id: SourceId) -> Result<(), SourceError> {
    while repeated(|| delete_some(cx, caller, id)).await? == Remainder::Some {}
    Ok(())
}

/// Whether documents of a source are left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remainder {
    Some,
    None,
}

/// Deletes some documents of a source; the source with the last of them.
async fn delete_some(cx: Cx<'_>, caller: &Caller, id: SourceId) -> Result<Remainder, SourceError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    // Who fetches it takes this lock for each page: none can be added behind our back.
    let source = lock(&mut tx, caller, id).await?;
    let now = cx.clock.now();
    let filter = DocumentFilter { source: Some(id), ..DocumentFilter::default() };
    let request = PageRequest { after: None, limit: AT_ONCE };
    let page = tx.workspace(workspace).documents().list(filter, request).await?;

    // All of them before the first is gone: an indexing job holds one and then wants the
    // assistants, too.
    let ids: Vec<DocumentId> = page.items.iter().map(|document| document.id).collect();
    tx.workspace(workspace).knowledge().lock(&ids, &[]).await?;
    for id in ids {
        // Somebody may have deleted it while we waited for it.
        let found = tx.workspace(workspace).documents().lock(id).await?;
        if let Some(document) = found {
            tx.apply(document.remove(now)).await?;
        }
    }
    if page.next.is_some() {
        tx.commit().await?;
        return Ok(Remainder::Some);
    }

    tx.apply(source.delete(&caller.actor(), now)).await?;
    tx.commit().await?;
    Ok(Remainder::None)
}
