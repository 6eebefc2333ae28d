//! Crawls that have given way to others, until it is their turn again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_core::ids::SourceId;
use tokio::time::Instant;

use super::Progress;
use replyx_crawl::{Crawl, Meter};

/// So many are kept; the one that has stood for longest is begun again from its beginning.
const ROOM: usize = 256;

/// A crawl that is under way.
pub(super) struct ActiveCrawl {
    pub(super) crawl: Crawl,
    pub(super) progress: Progress,
    /// What it has read and is not counted yet.
    pub(super) read: Meter,
    /// How long it has been at work.
    pub(super) spent: Duration,
    /// When its source had last been fetched as the crawl began.
    pub(super) fetched_at: Option<DateTime<Utc>>,
}

/// Where crawls stay that gave way. There is one per process: another process begins such a crawl
/// again, and asks for what is there with its validators.
pub struct Parking {
    /// How long a crawl goes on before it gives way to others that wait.
    pub(super) slice: Duration,
    stands: Mutex<HashMap<SourceId, (Instant, ActiveCrawl)>>,
}

impl Default for Parking {
    fn default() -> Self {
        Self::with_slice(Duration::from_mins(5))
    }
}

impl fmt::Debug for Parking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parking").field("parked", &self.stands().len()).finish_non_exhaustive()
    }
}

impl Parking {
    /// Crawls give way after this time.
    pub fn with_slice(slice: Duration) -> Self {
        Self { slice, stands: Mutex::default() }
    }

    fn stands(&self) -> MutexGuard<'_, HashMap<SourceId, (Instant, ActiveCrawl)>> {
        self.stands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn park(&self, source: SourceId, going: ActiveCrawl) {
        let mut stands = self.stands();
        if stands.len() >= ROOM
            && let Some(oldest) = stands.iter().min_by_key(|(_, (since, _))| *since)
        {
            let oldest = *oldest.0;
            stands.remove(&oldest);
        }
        stands.insert(source, (Instant::now(), going));
    }

    pub(super) fn leave(&self, source: SourceId) -> Option<ActiveCrawl> {
        self.stands().remove(&source).map(|(_, going)| going)
    }
}
