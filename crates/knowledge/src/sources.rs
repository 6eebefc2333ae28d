//! Sources: web pages that become documents and are kept up to date.
//!
//! [`run`] is the job. It fetches a source from its beginning to its end ([`replyx_crawl`]) and
//! makes each page a document as it comes, so that a long crawl is of use before it ends.
//!
//! # What holds
//!
//! - Each page is written under the lock of its source: two processes at once make one document of
//!   a page, not two.
//! - A job that died starts again. What had been fetched is asked for with its validators, and
//!   does not come twice.
//! - A page that did not change is not indexed again. One that is not there twice in a row is
//!   deleted, and so is at once one that does not want to be read.
//! - A source that was deleted in the meantime ends the job.
//! - A crawl that takes minutes gives way when other workspaces wait, and goes on behind them where
//!   it was.

use std::{future::Future, time::Duration};

use chrono::TimeDelta;
use replyx_core::{
    clock::Clock,
    ids::{SourceId, WorkspaceId},
    job::{Kind, Lane},
    knowledge::{Document, Source, SourceStatus},
    page::PageRequest,
    retry::{Backoff, Retry},
    rules::source::Fetched,
};
use replyx_crawl::{Crawl, FetchError, Fetcher, Known, Order, Outcome, Skip, Validators, Visit};
use replyx_storage::{Db, StorageError, Tx, documents::DocumentFilter};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use url::Url;

mod day;
mod keep;
mod parking;

use keep::Kept;
use parking::ActiveCrawl;
pub use parking::Parking;

/// Most pages of a source.
pub const MAX_PAGES: i64 = 1_000;
/// Most pages of a source that does not say.
pub const USUAL_PAGES: i64 = 200;
/// Most links away from the beginning.
pub const MAX_DEPTH: i64 = 3;
/// Most sources of a workspace.
pub const MAX_SOURCES: i64 = 50;

/// Most bytes of all pages of a source.
const MAX_BYTES: usize = 50 * 1024 * 1024;
/// A crawl that takes longer ends with what it has. Time in which others have their turn does not
/// count.
const LONGEST: Duration = Duration::from_hours(2);
/// How long others must have waited before a crawl gives way: who finds a free place is gone by
/// then.
const OTHERS_WAIT: TimeDelta = TimeDelta::seconds(5);
/// How often progress is told at most.
const PROGRESS: Duration = Duration::from_secs(2);
/// When a job is tried again after a trouble of our own.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(5), ceiling: Duration::from_mins(5), attempts: 8 };

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchSource {
    /// Whose source.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub source_id: SourceId,
}

impl FetchSource {
    /// What the queue calls this job.
    pub const KIND: Kind = Kind { name: "fetch_source", lane: Lane::Crawl };
}

/// A source could not be fetched to its end, and it is not the source's fault.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The database failed.
    #[error("the source could not be fetched")]
    Storage(#[from] StorageError),
    /// The program ends: another one goes on.
    #[error("the program stopped before the source was fetched")]
    Stopped,
    /// It has taken long, and others wait for their turn: it goes on behind them.
    #[error("the source pauses while other sources have their turn")]
    GaveWay,
}

impl SourceError {
    /// Is the program ending, or the database only busy or away? Then the attempt does not count.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_transient(),
            Self::Stopped | Self::GaveWay => true,
        }
    }

    /// When to try again after `attempt` attempts (1 = the first one failed).
    pub fn retry(&self, attempt: i64) -> Retry {
        let [chance] = Clock::bytes();
        match self {
            Self::Stopped | Self::GaveWay => Retry::After(Duration::ZERO),
            Self::Storage(_) => BACKOFF.after(u32::try_from(attempt).unwrap_or(u32::MAX), chance),
        }
    }
}

/// What fetching works with.
#[derive(Clone, Copy)]
pub struct FetchContext<'a> {
    /// Where sources and documents are.
    pub db: &'a Db,
    /// Time and ids.
    pub clock: &'a Clock,
    /// Who speaks to foreign servers.
    pub fetcher: &'a Fetcher,
    /// Where crawls stay that gave way to others.
    pub parking: &'a Parking,
    /// How much a workspace may fetch in a day, bytes.
    pub bytes_per_day: i64,
}

/// Queues the fetching of a source in the transaction that makes it necessary, unless it waits
/// already.
pub async fn queue(tx: &mut Tx, clock: &Clock, job: FetchSource) -> Result<(), StorageError> {
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    let jobs = tx.workspace(job.workspace_id).jobs();
    jobs.enqueue_once(clock.id(), FetchSource::KIND, &payload, clock.now()).await
}

/// How many due sources are read at once.
const DUE_AT_ONCE: u32 = 100;

/// Queues the sources that are due to be fetched again; how many there were.
pub async fn queue_due(db: &Db, clock: &Clock) -> Result<usize, StorageError> {
    let now = clock.now();
    let mut queued = 0;
    loop {
        let due = db.read().await?.system().sources().due(now, DUE_AT_ONCE).await?;
        for &(workspace_id, source_id) in &due {
            queue_again(db, clock, FetchSource { workspace_id, source_id }).await?;
        }

        queued += due.len();
        // Those that were queued are due no more, so each round finds others.
        if due.len() < DUE_AT_ONCE as usize {
            return Ok(queued);
        }
    }
}

/// Queues a source that is due, unless it has been deleted or queued in the meantime.
async fn queue_again(db: &Db, clock: &Clock, job: FetchSource) -> Result<(), StorageError> {
    let mut tx = db.begin().await?;
    let found = tx.workspace(job.workspace_id).sources().lock(job.source_id).await?;
    let Some(source) = found else { return Ok(()) };
    let Ok(change) = source.come_due(clock.now()) else { return Ok(()) };
    tx.apply(change).await?;
    queue(&mut tx, clock, job).await?;
    tx.commit().await?;
    Ok(())
}

/// How often the job is tried at most, counted when it is claimed.
pub const ATTEMPTS: u32 = BACKOFF.attempts;

/// Ends the job of a source that has been tried as often as may be and never came to an end: the
/// source fails until it is fetched again.
pub async fn give_up(tools: FetchContext<'_>, job: FetchSource) -> Result<(), SourceError> {
    tracing::error!(source.id = %job.source_id, attempts = ATTEMPTS, "source fetch was interrupted too often");
    let why = "each time the pages were fetched the program was ended before it was done; one of them may be too much \
               for it: choose a smaller part of the site";
    settle(tools, job, Some(why.to_owned())).await
}

/// Fetches a source, keeps its documents up to date, and says what became of it in its status and
/// the event log. Ends early when `stop` does.
///
/// A source that is gone is a success: there is nothing to fetch.
///
/// # Errors
///
/// Fails when it is stopped; [`SourceError::retry`] says when to try again.
#[tracing::instrument(name = "knowledge.sources.run", skip_all, fields(source.id = %job.source_id))]
pub async fn run(
    tools: FetchContext<'_>,
    job: FetchSource,
    stop: impl Future<Output = ()>,
) -> Result<(), SourceError> {
    tokio::select! {
        done = fetch(tools, job) => done,
        () = stop => Err(SourceError::Stopped),
    }
}

async fn fetch(tools: FetchContext<'_>, job: FetchSource) -> Result<(), SourceError> {
    let mut going = match parked(tools, job).await? {
        Some(going) => going,
        None => match start(tools, job).await? {
            Some(going) => going,
            None => return Ok(()),
        },
    };
    let slice = Instant::now();
    let until = slice + LONGEST.saturating_sub(going.spent);
    let mut told = slice;

    while let Ok(Some(visit)) = timeout_at(until, going.crawl.next()).await {
        let tell = told.elapsed() >= PROGRESS;
        if tell {
            told = Instant::now();
        }
        match keep::visit(tools, job, &visit, tell.then_some(&going.progress)).await? {
            Kept::SourceGone => return Ok(()),
            Kept::Nothing => {}
            Kept::Page { bytes } => going.progress.count(bytes),
            Kept::Unchanged { original } => {
                let original = tools.db.bytes_of(job.workspace_id, original).await?;
                going.progress.count(original.len());
                going.crawl.recall(&visit.url, visit.depth, &original).await;
            }
        }
        going.progress.note(&visit);

        if !day::has_room(tools, job, &going.read).await? {
            return settle(tools, job, Some(day::is_full(tools))).await;
        }
        if slice.elapsed() >= tools.parking.slice && others_wait(tools, job).await? {
            going.spent += slice.elapsed();
            tools.parking.park(job.source_id, going);
            return Err(SourceError::GaveWay);
        }
    }
    let Progress { pages, trouble, .. } = going.progress;
    settle(tools, job, trouble.filter(|_| pages == 0)).await
}

/// The crawl that gave way, unless its source has been fetched to the end by another process, or is
/// to be fetched again.
async fn parked(
    tools: FetchContext<'_>,
    job: FetchSource,
) -> Result<Option<ActiveCrawl>, StorageError> {
    let Some(going) = tools.parking.leave(job.source_id) else { return Ok(None) };
    let mut tx = tools.db.read().await?;
    let source = tx.workspace(job.workspace_id).sources().find(job.source_id).await?;
    let goes_on = source.is_some_and(|source| {
        source.status == SourceStatus::Fetching && source.fetched_at == going.fetched_at
    });
    Ok(Some(going).filter(|_| goes_on))
}

/// Begins a crawl; `None`: there is nothing to be fetched, and that is written down.
async fn start(
    tools: FetchContext<'_>,
    job: FetchSource,
) -> Result<Option<ActiveCrawl>, SourceError> {
    let begun = Instant::now();
    let Some(source) = begin(tools, job).await? else { return Ok(None) };
    let Some(order) = order(tools, &source).await? else {
        settle(tools, job, Some("the address cannot be read".to_owned())).await?;
        return Ok(None);
    };
    let (fetcher, read) = tools.fetcher.metered();
    if !day::has_room(tools, job, &read).await? {
        settle(tools, job, Some(day::is_full(tools))).await?;
        return Ok(None);
    }

    let begun_crawl = Crawl::begin(&fetcher, order).await;
    day::has_room(tools, job, &read).await?;
    match begun_crawl {
        Ok(crawl) => {
            let progress = Progress::default();
            let fetched_at = source.fetched_at;
            Ok(Some(ActiveCrawl { crawl, progress, read, spent: begun.elapsed(), fetched_at }))
        }
        Err(error) => {
            settle(tools, job, Some(sentence(&error))).await?;
            Ok(None)
        }
    }
}

/// Have others been waiting for their turn?
async fn others_wait(tools: FetchContext<'_>, job: FetchSource) -> Result<bool, StorageError> {
    let since = tools.clock.now() - OTHERS_WAIT;
    let mut tx = tools.db.read().await?;
    tx.system().jobs().others_wait(since, Lane::Crawl, job.workspace_id.into_uuid()).await
}

/// How far a crawl is.
#[derive(Default)]
struct Progress {
    pages: i64,
    bytes: i64,
    /// The first thing that went wrong.
    trouble: Option<String>,
}

impl Progress {
    fn count(&mut self, bytes: usize) {
        self.pages += 1;
        self.bytes += i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    fn note(&mut self, visit: &Visit) {
        let trouble = match &visit.outcome {
            Outcome::Page { .. } | Outcome::Unchanged => return,
            Outcome::Gone => "the page does not exist".to_owned(),
            Outcome::Skipped(skip) => skip.sentence().to_owned(),
            Outcome::Failed(error) => sentence(error),
        };
        self.trouble.get_or_insert(trouble);
    }
}

/// The outer message only: causes may tell of our network.
fn sentence(error: &FetchError) -> String {
    error.to_string()
}

/// Marks the source as being fetched.
async fn begin(tools: FetchContext<'_>, job: FetchSource) -> Result<Option<Source>, StorageError> {
    let mut tx = tools.db.begin().await?;
    let found = tx.workspace(job.workspace_id).sources().lock(job.source_id).await?;
    let Some(source) = found else { return Ok(None) };
    let source = tx.apply(source.begin_fetch(tools.clock.now())).await?;
    tx.commit().await?;
    Ok(Some(source))
}

async fn order(tools: FetchContext<'_>, source: &Source) -> Result<Option<Order>, StorageError> {
    let Ok(url) = Url::parse(&source.url) else { return Ok(None) };
    let known = pages(tools, source.workspace_id, source.id).await?;
    let known = known.into_iter().filter_map(|document| {
        let page = document.page?;
        let validators = Validators { etag: page.etag, last_modified: page.last_modified };
        let size = usize::try_from(document.size).unwrap_or_default();
        Some(Known {
            url: Url::parse(&page.url).ok()?,
            validators,
            size,
            since: document.updated_at,
        })
    });
    Ok(Some(Order {
        workspace: source.workspace_id,
        kind: source.kind,
        url,
        depth: u8::try_from(source.depth.clamp(0, MAX_DEPTH)).unwrap_or_default(),
        max_pages: usize::try_from(source.max_pages.clamp(1, MAX_PAGES)).unwrap_or(1),
        max_bytes: MAX_BYTES,
        known: known.collect(),
    }))
}

/// The documents of the pages there are.
async fn pages(
    tools: FetchContext<'_>,
    workspace: WorkspaceId,
    source: SourceId,
) -> Result<Vec<Document>, StorageError> {
    let filter = DocumentFilter { source: Some(source), ..DocumentFilter::default() };
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let mut tx = tools.db.read().await?;
        let request = PageRequest { after, limit: 200 };
        let page = tx.workspace(workspace).documents().list(filter.clone(), request).await?;
        pages.extend(page.items.into_iter().filter(|document| document.page.is_some()));
        let Some(next) = page.next else { return Ok(pages) };
        after = Some(next);
    }
}

/// Says what became of the source, and when it is due again.
async fn settle(
    tools: FetchContext<'_>,
    job: FetchSource,
    why: Option<String>,
) -> Result<(), SourceError> {
    let pages = pages(tools, job.workspace_id, job.source_id).await?;
    let now = tools.clock.now();
    let mut tx = tools.db.begin().await?;
    let found = tx.workspace(job.workspace_id).sources().lock(job.source_id).await?;
    let Some(source) = found else { return Ok(()) };
    let there = Fetched {
        pages: i64::try_from(pages.len()).unwrap_or(i64::MAX),
        bytes: pages.iter().map(|document| document.size).sum(),
    };
    let change = match why {
        Some(why) => source.fail_fetch(why, there, now),
        None => source.finish_fetch(there, now),
    };
    tx.apply(change).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a page that is not kept any more goes at once.
fn goes_at_once(skip: Skip) -> bool {
    skip != Skip::Budget
}
