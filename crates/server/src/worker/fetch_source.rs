//! Fetches a source: `knowledge` knows how, here is how many at once.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::retry::Retry;
use replyx_engine::Engine;
use replyx_knowledge::sources::{self, FetchSource};
use tokio::sync::Semaphore;

use super::{Tools, registry::Failed};

/// So many sources are under way, or wait for that, in one process. The rest stays in the queue for whoever has time.
const AT_ONCE: usize = 16;
/// When to look again.
const LATER: Duration = Duration::from_secs(10);

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// Runs the job until it is done or the program ends.
pub(super) async fn run(
    engine: &Engine,
    tools: &Tools,
    job: FetchSource,
    attempt: i64,
) -> Result<(), Failed> {
    let Ok(_place) = ROOM.try_acquire() else {
        let reason = "as many sources are being fetched as may be".to_owned();
        return Err(Failed { reason, retry: Retry::After(LATER) });
    };
    let with = sources::Tools { db: &engine.db, clock: &engine.clock, fetcher: &tools.fetcher };
    let done = sources::run(with, job, tools.stop.cancelled()).boxed().await;
    done.map_err(|error| Failed { reason: error.to_string(), retry: error.retry(attempt) })
}
