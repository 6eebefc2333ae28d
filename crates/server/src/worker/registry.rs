//! Joins a job's kind with its work. The work is an ordinary function of the crate that owns the matter.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::{mail::KIND as MAIL, retry::Retry};
use replyx_engine::{
    Engine,
    evaluation::{self, Evaluate},
};
use replyx_knowledge::{
    index::{self, neighbours::IndexNeighbours},
    sources::FetchSource,
};
use replyx_storage::jobs::ClaimedJob;
use serde::de::DeserializeOwned;

use super::{Tools, fetch_source, mail};

/// A job that did not succeed.
pub(super) struct Failed {
    /// Why.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) retry: Retry,
}

/// Runs a job by its kind.
pub(super) async fn run(engine: &Engine, tools: &Tools, job: &ClaimedJob) -> Result<(), Failed> {
    match job.kind.as_str() {
        index::IndexDocument::KIND => {
            let result =
                index::run(indexing(engine, tools), payload(job)?, job.attempts).boxed().await;
            result.map_err(|error| failed(&error, job))
        }
        index::embed::KIND => {
            let result = index::embed::run(indexing(engine, tools), payload(job)?, job.attempts)
                .boxed()
                .await;
            result.map_err(|error| failed(&error, job))
        }
        IndexNeighbours::KIND => {
            let result =
                index::neighbours::run(indexing(engine, tools), payload(job)?).boxed().await;
            result.map_err(|error| failed(&error.into(), job))
        }
        Evaluate::KIND => {
            let result = evaluation::run(engine, payload(job)?).boxed().await;
            result.map_err(|error| Failed {
                reason: error.to_string(),
                retry: Retry::After(Duration::from_secs(5)),
            })
        }
        FetchSource::KIND => fetch_source::run(engine, tools, payload(job)?, job.attempts).await,
        MAIL => mail::run(engine, tools, job).await,
        // A newer version of the program may have queued it: it is left for that one.
        unknown => Err(Failed {
            reason: format!("no work is known by the name `{unknown}`"),
            retry: Retry::After(Duration::from_mins(1)),
        }),
    }
}

/// What indexing works with.
pub(super) fn indexing<'a>(engine: &'a Engine, tools: &'a Tools) -> index::Tools<'a> {
    index::Tools {
        db: &engine.db,
        clock: &engine.clock,
        program: &tools.program,
        embeddings: &engine.embeddings,
    }
}

fn payload<T: DeserializeOwned>(job: &ClaimedJob) -> Result<T, Failed> {
    serde_json::from_value(job.payload.clone())
        .map_err(|error| Failed { reason: error.to_string(), retry: Retry::Never })
}

fn failed(error: &index::IndexError, job: &ClaimedJob) -> Failed {
    Failed { reason: error.to_string(), retry: error.retry(job.attempts) }
}

/// The kind as a label of a metric: never a word from the database.
pub(super) fn label(kind: &str) -> &'static str {
    [index::IndexDocument::KIND, index::embed::KIND, Evaluate::KIND, FetchSource::KIND, MAIL]
        .into_iter()
        .find(|known| *known == kind)
        .unwrap_or("unknown")
}
