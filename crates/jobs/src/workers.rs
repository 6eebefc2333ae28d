//! The workers: they take on jobs that are due and run each by its kind.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use replyx_core::{job::Lane, retry::Retry};
use replyx_engine::{
    Engine,
    claims::{self, ClaimResult, FreePlaces, Queue},
};
use replyx_storage::{
    Db, StorageError, Tx,
    fair::{Places, Round},
    jobs::ClaimedJob,
    until_stored,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    job::{Attempt, Failed, JobContext, JobRun, Schedule},
    registry,
};

/// How many jobs of a lane run at once in this process, and how many of them for one share.
///
/// Where jobs take a processor, a share that is alone gets every place. Where they wait for the
/// network, the last places are kept for the others: a place that waits for a slow server is not
/// free for a long time.
const fn places(lane: Lane) -> (u32, u32) {
    match lane {
        // Reading documents must not starve answering customers.
        Lane::Heavy => (2, 2),
        // A mail waits for the network, not for a processor.
        Lane::Light => (8, 6),
        // The questions of all runs take turns, see `replyx_engine::evaluation`.
        Lane::Evaluation => (512, 4),
        // The requests of all crawls take turns, see `replyx_crawl`.
        Lane::Crawl => (64, 8),
        // They belong to nobody, and one that takes long must not hold up the others.
        Lane::Scheduled => (4, 4),
    }
}

/// Works until stopped, then waits for the jobs that are running.
pub async fn work(engine: Arc<Engine>, context: JobContext, stop: CancellationToken) {
    let scheduled = until_stored("schedule jobs", || schedule(&engine));
    tokio::select! {
        () = scheduled => {}
        () = stop.cancelled() => return,
    }

    let context = Arc::new(context);
    let lanes = Lane::ALL.map(|lane| {
        let jobs = Jobs { engine: Arc::clone(&engine), context: Arc::clone(&context), lane };
        claims::work(jobs, stop.clone())
    });
    futures::future::join_all(lanes).await;
}

/// Sees to it that what runs by the clock has its place in the queue.
async fn schedule(engine: &Engine) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    for kind in registry::scheduled() {
        tx.system().jobs().schedule(engine.clock.id(), kind, now).await?;
    }
    tx.commit().await.map(drop)
}

/// The jobs of one lane: a hundred documents do not hold up a mail.
struct Jobs {
    engine: Arc<Engine>,
    context: Arc<JobContext>,
    lane: Lane,
}

impl Queue for Jobs {
    type Piece = ClaimedJob;

    const PIECES: &'static str = "jobs";

    fn db(&self) -> &Db {
        &self.engine.db
    }

    fn places(&self) -> usize {
        let (at_once, _) = places(self.lane);
        at_once as usize
    }

    async fn claim(
        &self,
        free: FreePlaces,
        round: Round,
    ) -> Result<ClaimResult<ClaimedJob>, StorageError> {
        let engine = &*self.engine;
        let now = engine.clock.now();
        if !engine.db.read().await?.system().jobs().any_due(now, self.lane).await? {
            return Ok(ClaimResult::nothing_until(None, now));
        }

        let (_, each) = places(self.lane);
        let places = Places { free: free.places, each, round };
        let mut tx = engine.db.begin().await?;
        let claimed = tx.system().jobs().claim(engine.process, now, self.lane, places).await?;
        Ok(if claimed.is_empty() { ClaimResult::Held } else { ClaimResult::claimed(tx, claimed) })
    }

    fn after(&self, round: Round, jobs: &[ClaimedJob]) -> Round {
        round.after(jobs.iter().map(|job| job.share))
    }

    async fn hand_back(&self, tx: &mut Tx, jobs: &[ClaimedJob]) -> Result<(), StorageError> {
        let due = self.engine.clock.now();
        for job in jobs {
            tx.system().jobs().hand_back(job.id, self.engine.process, due).await?;
        }
        Ok(())
    }

    async fn run(&self, job: ClaimedJob) {
        run(&self.engine, &self.context, job).await;
    }

    async fn wait(&self, longest: Duration) {
        self.engine.bell.jobs(self.lane, longest).await;
    }
}

#[tracing::instrument(name = "worker.job.run", skip_all, fields(job.id = %job.id, job.kind = %job.kind))]
async fn run(engine: &Engine, context: &JobContext, job: ClaimedJob) {
    let begun = Instant::now();
    // A job that panicked would stay ours, and keep its place, as long as this process lives.
    let result = AssertUnwindSafe(registry::run_or_give_up(JobRun { engine, context, row: &job }))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(registry::panicked(&job.kind, job.attempts)));
    let outcome = outcome(&job.kind, &result);
    let kind = registry::label(&job.kind);
    metrics::counter!("jobs_total", "kind" => kind, "outcome" => outcome).increment(1);
    metrics::histogram!("job_duration_seconds", "kind" => kind).record(begun.elapsed());
    if let Err(failed) = &result {
        tracing::warn!(error = %failed.reason, job.outcome = outcome, "job failed");
    }

    until_stored("finish a job", || end(engine, &job, &result)).await;

    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if registry::schedule(&job.kind) == Schedule::WhenEnqueued {
        tracing::info!(job.outcome = outcome, duration_ms, "job ended");
    } else {
        tracing::debug!(job.outcome = outcome, duration_ms, "job ended");
    }
}

/// What became of a job, as a label of a metric.
fn outcome(kind: &str, result: &Result<(), Failed>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(Failed { retry: Retry::After(_), .. }) => "again",
        Err(_) if registry::schedule(kind) != Schedule::WhenEnqueued => "failed",
        Err(_) => "dead",
    }
}

/// Writes what becomes of a job. One that runs by the clock is never dead: it waits for its next
/// time.
async fn end(
    engine: &Engine,
    job: &ClaimedJob,
    result: &Result<(), Failed>,
) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let by = engine.process;
    let next = match registry::schedule(&job.kind) {
        Schedule::Every(pause) => Some(now + pause),
        Schedule::WhenEnqueued => None,
    };
    let reason = result.as_ref().err().map(|failed| failed.reason.as_str());

    let mut tx = engine.db.begin().await?;
    let jobs = tx.system().jobs();
    match result {
        Err(Failed { retry: Retry::After(wait), attempt: Attempt::Interrupted, .. }) => {
            jobs.hand_back(job.id, by, now + *wait).await?;
        }
        Err(Failed { retry: Retry::After(wait), reason, .. }) => {
            jobs.fail(job.id, by, reason, Some(now + *wait)).await?;
        }
        Ok(()) | Err(Failed { retry: Retry::Never, .. }) => match (next, reason) {
            (Some(next), reason) => jobs.reschedule(job.id, by, reason, next).await?,
            (None, Some(reason)) => jobs.fail(job.id, by, reason, None).await?,
            (None, None) => jobs.finish(job.id, by).await?,
        },
    }
    tx.commit().await?;
    Ok(())
}
