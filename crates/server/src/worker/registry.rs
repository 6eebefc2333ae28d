//! Joins a job's kind with its work. The work is an ordinary function of the crate that owns the matter.

use std::time::Duration;

use replyx_core::{mail::KIND as MAIL, retry::Retry};
use replyx_engine::Engine;
use replyx_knowledge::index;
use replyx_storage::jobs::ClaimedJob;

use super::{Tools, mail};

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
            let payload = serde_json::from_value(job.payload.clone())
                .map_err(|error| Failed { reason: error.to_string(), retry: Retry::Never })?;
            index::run(&engine.db, &engine.clock, &tools.program, payload, job.attempts)
                .await
                .map_err(|error| Failed {
                    reason: error.to_string(),
                    retry: error.retry(job.attempts),
                })
        }
        MAIL => mail::run(engine, tools, job).await,
        // A newer version of the program may have queued it: it is left for that one.
        unknown => Err(Failed {
            reason: format!("no work is known by the name `{unknown}`"),
            retry: Retry::After(Duration::from_mins(1)),
        }),
    }
}

/// The kind as a label of a metric: never a word from the database.
pub(super) fn label(kind: &str) -> &'static str {
    [index::IndexDocument::KIND, MAIL].into_iter().find(|known| *known == kind).unwrap_or("unknown")
}
