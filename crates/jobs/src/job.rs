//! What a job is: its payload as it is stored, and what is done about it.

use std::{future::Future, path::PathBuf, time::Duration};

use replyx_channels::email::{Post, Product};
use replyx_core::{job::Kind, retry::Retry};
use replyx_crawl::Fetcher;
use replyx_engine::Engine;
use replyx_knowledge::sources::Parking;
use replyx_storage::jobs::ClaimedJob;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

/// Durable background work of one kind.
///
/// The value is the payload as it stands in the queue. Other versions of the program have written
/// it, so its stored form only grows.
pub(crate) trait Job: DeserializeOwned + Send + 'static {
    /// What the queue calls it, and which workers run it.
    const KIND: Kind;
    /// How often it is claimed at most: one that has been claimed more often is given up.
    const ATTEMPTS: u32;
    /// When it runs.
    const SCHEDULE: Schedule = Schedule::WhenEnqueued;

    /// Does the work.
    fn run(self, run: JobRun<'_>) -> impl Future<Output = Result<(), Failed>> + Send;

    /// Ends a job whose attempts did not end: it may be what ends the program. An error says why
    /// that failed, too; it is tried again soon.
    fn give_up(self, run: JobRun<'_>) -> impl Future<Output = Result<(), String>> + Send;
}

/// When a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// When somebody has enqueued it.
    WhenEnqueued,
    /// When a process starts, and so long after the last run ended.
    Every(Duration),
}

/// What jobs work with besides the engine.
#[derive(Debug)]
pub struct JobContext {
    /// This very program, to be run as a child that reads hostile files.
    pub program: PathBuf,
    /// The way for mail out of the house.
    pub post: Post,
    /// What the mail is about.
    pub product: Product,
    /// Who fetches web pages.
    pub fetcher: Fetcher,
    /// Where crawls stay that gave way to others.
    pub parking: Parking,
    /// Ends jobs that take long.
    pub stop: CancellationToken,
}

/// One run of a job.
#[derive(Clone, Copy)]
pub(crate) struct JobRun<'a> {
    /// What the conversation works with.
    pub(crate) engine: &'a Engine,
    /// What jobs work with.
    pub(crate) context: &'a JobContext,
    /// The row of the queue.
    pub(crate) row: &'a ClaimedJob,
}

/// A job that did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Why.
    pub(crate) reason: String,
    /// What to do about it.
    pub(crate) retry: Retry,
    /// Does it count?
    pub(crate) attempt: Attempt,
}

/// Whether a job that did not succeed has been tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It was, and counts: there are only so many attempts.
    Made,
    /// It was interrupted for our sake: the database was busy, others have their turn, the program
    /// ends.
    Interrupted,
}

/// When a job that has no attempts left, and was not to blame, is tried again.
const LATER: Duration = Duration::from_mins(5);

impl Failed {
    /// The job was not to blame. It is tried again, also when it has no attempts left.
    pub(crate) fn interrupted(reason: String, retry: Retry) -> Self {
        let retry = if retry == Retry::Never { Retry::After(LATER) } else { retry };
        Self { reason, retry, attempt: Attempt::Interrupted }
    }

    /// The attempt counts.
    pub(crate) const fn made(reason: String, retry: Retry) -> Self {
        Self { reason, retry, attempt: Attempt::Made }
    }
}
