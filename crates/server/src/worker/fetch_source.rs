//! Fetches a source: `knowledge` knows how, here is how many at once.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::retry::Retry;
use replyx_engine::Engine;
use replyx_knowledge::sources::{self, FetchSource, SourceError};
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
        return Err(Failed::interrupted(reason, Retry::After(LATER)));
    };
    let done = sources::run(with(engine, tools), job, tools.stop.cancelled()).boxed().await;
    done.map_err(|error| {
        let (reason, retry) = (error.to_string(), error.retry(attempt));
        if error.is_transient() {
            Failed::interrupted(reason, retry)
        } else {
            Failed::made(reason, retry)
        }
    })
}

/// Ends a job that was tried too often without coming to an end.
pub(super) async fn give_up(
    engine: &Engine,
    tools: &Tools,
    job: FetchSource,
) -> Result<(), SourceError> {
    sources::give_up(with(engine, tools), job).await
}

fn with<'a>(engine: &'a Engine, tools: &'a Tools) -> sources::Tools<'a> {
    sources::Tools { db: &engine.db, clock: &engine.clock, fetcher: &tools.fetcher }
}
