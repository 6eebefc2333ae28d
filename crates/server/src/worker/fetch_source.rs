//! Fetches a source: `knowledge` knows how.

use futures::FutureExt;
use replyx_engine::Engine;
use replyx_knowledge::sources::{self, FetchSource, SourceError};

use super::{Tools, registry::Failed};

/// Runs the job until it is done or the program ends.
pub(super) async fn run(
    engine: &Engine,
    tools: &Tools,
    job: FetchSource,
    attempt: i64,
) -> Result<(), Failed> {
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
    sources::Tools {
        db: &engine.db,
        clock: &engine.clock,
        fetcher: &tools.fetcher,
        parking: &tools.parking,
    }
}
