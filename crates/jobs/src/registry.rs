//! Joins a job's kind with its work. The work is an ordinary function of the crate that owns the
//! matter.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::{mail::KIND as MAIL, retry::Retry};
use replyx_engine::{Engine, evaluation};
use replyx_knowledge::{
    evaluate::Evaluate,
    index::{self, neighbours::IndexNeighbours},
    sources::{self, FetchSource},
};
use replyx_storage::jobs::ClaimedJob;
use serde::de::DeserializeOwned;

use super::{JobContext, fetch_source, mail};

/// A job that did not succeed.
pub(super) struct Failed {
    /// Why.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) retry: Retry,
    /// Does it count?
    pub(super) attempt: Attempt,
}

/// Whether a job that did not succeed has been tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It was, and counts: there are only so many attempts.
    Made,
    /// It was interrupted for our sake: the database was busy, others have their turn, the program
    /// ends.
    Interrupted,
}

impl Failed {
    /// The job was not to blame. It is tried again, also when it has no attempts left.
    pub(super) fn interrupted(reason: String, retry: Retry) -> Self {
        let retry = if retry == Retry::Never { Retry::After(LATER) } else { retry };
        Self { reason, retry, attempt: Attempt::Interrupted }
    }

    /// The attempt counts.
    pub(super) const fn made(reason: String, retry: Retry) -> Self {
        Self { reason, retry, attempt: Attempt::Made }
    }

    /// A job of this kind panicked at this attempt. It counts: the job may panic each time. One
    /// that panicked while it was given up is not tried again: nothing would ever end it.
    pub(super) fn panicked(kind: &str, attempts: i64, again: Duration) -> Self {
        if may_run(kind, attempts) {
            Self::made("the job panicked".to_owned(), Retry::After(again))
        } else {
            Self::made("the job panicked while it was given up".to_owned(), Retry::Never)
        }
    }
}

/// When a job that has no attempts left, and was not to blame, is tried again.
const LATER: Duration = Duration::from_mins(5);

/// Runs a job by its kind, or ends it when it has been claimed more often than it may be: those
/// attempts did not end, so the job may be what ends the program.
pub(super) async fn run_or_give_up(
    engine: &Engine,
    tools: &JobContext,
    job: &ClaimedJob,
) -> Result<(), Failed> {
    if may_run(&job.kind, job.attempts) {
        return run(engine, tools, job).await;
    }

    let reason = format!("given up after {} attempts that did not end", job.attempts - 1);
    let indexing = indexing(engine, tools);
    let again = || Retry::After(Duration::from_secs(5));

    let told = match job.kind.as_str() {
        index::IndexDocument::KIND => {
            index::give_up(indexing, payload(job)?).await.map_err(|error| error.to_string())
        }
        index::embed::KIND => {
            index::embed::give_up(indexing, payload(job)?).await.map_err(|error| error.to_string())
        }
        Evaluate::KIND => {
            evaluation::give_up(engine, payload(job)?).await.map_err(|error| error.to_string())
        }
        FetchSource::KIND => fetch_source::give_up(engine, tools, payload(job)?)
            .await
            .map_err(|error| error.to_string()),
        MAIL => {
            mail::give_up(engine, job);
            Ok(())
        }
        _ => Ok(()),
    };

    match told {
        Ok(()) => Err(Failed::made(reason, Retry::Never)),
        Err(why) => Err(Failed::interrupted(why, again())),
    }
}

/// May a job of this kind be run at this attempt? Otherwise it is given up.
fn may_run(kind: &str, attempts: i64) -> bool {
    most_attempts(kind).is_none_or(|most| attempts <= i64::from(most))
}

/// How often a job of this kind is claimed at most; `None` for one that a newer version of the
/// program may know.
fn most_attempts(kind: &str) -> Option<u32> {
    match kind {
        index::IndexDocument::KIND | index::embed::KIND | IndexNeighbours::KIND => {
            Some(index::ATTEMPTS)
        }
        Evaluate::KIND => Some(evaluation::ATTEMPTS),
        FetchSource::KIND => Some(sources::ATTEMPTS),
        MAIL => Some(mail::ATTEMPTS),
        _ => None,
    }
}

/// Runs a job by its kind.
pub(super) async fn run(
    engine: &Engine,
    tools: &JobContext,
    job: &ClaimedJob,
) -> Result<(), Failed> {
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
            // Also when the database was only busy: each attempt asks, and pays, again.
            result.map_err(|error| {
                Failed::made(error.to_string(), Retry::After(Duration::from_secs(5)))
            })
        }
        FetchSource::KIND => fetch_source::run(engine, tools, payload(job)?, job.attempts).await,
        MAIL => mail::run(engine, tools, job).await,
        // A newer version of the program may have queued it: it is left for that one.
        unknown => {
            let reason = format!("no work is known by the name `{unknown}`");
            Err(Failed::interrupted(reason, Retry::After(Duration::from_mins(1))))
        }
    }
}

/// What indexing works with.
pub(super) fn indexing<'a>(engine: &'a Engine, tools: &'a JobContext) -> index::IndexContext<'a> {
    index::IndexContext {
        db: &engine.db,
        clock: &engine.clock,
        program: &tools.program,
        embeddings: &engine.embeddings,
    }
}

fn payload<T: DeserializeOwned>(job: &ClaimedJob) -> Result<T, Failed> {
    serde_json::from_value(job.payload.clone())
        .map_err(|error| Failed::made(error.to_string(), Retry::Never))
}

fn failed(error: &index::IndexError, job: &ClaimedJob) -> Failed {
    let reason = error.to_string();
    let retry = error.retry(job.attempts);
    if error.is_transient() {
        Failed::interrupted(reason, retry)
    } else {
        Failed::made(reason, retry)
    }
}

/// The kind as a label of a metric: never a word from the database.
pub(super) fn label(kind: &str) -> &'static str {
    [
        index::IndexDocument::KIND,
        index::embed::KIND,
        IndexNeighbours::KIND,
        Evaluate::KIND,
        FetchSource::KIND,
        MAIL,
    ]
    .into_iter()
    .find(|known| *known == kind)
    .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_panics_while_it_is_given_up_is_not_tried_again() {
        let again = Duration::from_secs(30);
        let after =
            |kind: &str, attempts: u32| Failed::panicked(kind, attempts.into(), again).retry;
        let most = index::ATTEMPTS;
        assert_eq!(after(index::IndexDocument::KIND, most), Retry::After(again));
        assert_eq!(after(index::IndexDocument::KIND, most + 1), Retry::Never);
        assert_eq!(after(Evaluate::KIND, evaluation::ATTEMPTS + 1), Retry::Never);
        assert_eq!(after("of_a_newer_version", 1_000), Retry::After(again));
    }
}
