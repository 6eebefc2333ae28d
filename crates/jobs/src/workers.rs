//! The workers: they take on jobs that are due and run each by its kind.

use std::{error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use replyx_core::{job::Lane, retry::Retry};
use replyx_engine::Engine;
use replyx_storage::{
    StorageError,
    fair::{Places, Round},
    jobs::ClaimedJob,
    retried,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

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

/// How long to sleep at most when nobody rings.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long to wait at first when jobs are due that another process is claiming.
const HELD_BY_OTHERS: Duration = Duration::from_millis(20);
/// How long one try to hand jobs back may take.
const HAND_BACK: Duration = Duration::from_secs(10);

/// Works until stopped, then waits for the jobs that are running.
pub async fn work(engine: Arc<Engine>, context: JobContext, stop: CancellationToken) {
    while let Err(error) = retried(|| schedule(&engine)).await {
        tracing::error!(error = &error as &dyn Error, "could not schedule jobs");
        tokio::select! {
            () = sleep(LONGEST_SLEEP) => {}
            () = stop.cancelled() => return,
        }
    }

    let context = Arc::new(context);
    let running = TaskTracker::new();
    let lanes = Lane::ALL.map(|lane| {
        let workers = Workers {
            engine: Arc::clone(&engine),
            context: Arc::clone(&context),
            running: running.clone(),
            lane,
            round: Round::default(),
        };
        workers.work(stop.clone())
    });
    futures::future::join_all(lanes).await;
    running.close();
    running.wait().await;
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

/// The workers of one lane of jobs: a hundred documents do not hold up a mail.
struct Workers {
    engine: Arc<Engine>,
    context: Arc<JobContext>,
    running: TaskTracker,
    lane: Lane,
    round: Round,
}

/// What a look for jobs found.
enum Found {
    /// Jobs that are ours.
    Jobs(Vec<ClaimedJob>),
    /// Jobs are due, but none that may be taken now: other processes hold them, or one share has
    /// its places.
    Held,
    /// No job is due, or no place is free.
    Nothing,
}

impl Workers {
    async fn work(mut self, stop: CancellationToken) {
        let (at_once, each) = places(self.lane);
        let free = Arc::new(Semaphore::new(at_once as usize));
        let mut patience = HELD_BY_OTHERS;
        while !stop.is_cancelled() {
            let room = u32::try_from(free.available_permits()).unwrap_or(at_once);
            let places = Places { free: room, each, round: self.round };
            let found = match retried(|| self.claim(places, &stop)).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(error = &error as &dyn Error, "could not claim jobs");
                    sleep(LONGEST_SLEEP).await;
                    continue;
                }
            };
            let nap = match found {
                Found::Jobs(jobs) => {
                    self.round = self.round.after(jobs.iter().map(|job| job.share));
                    patience = HELD_BY_OTHERS;
                    for job in jobs {
                        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
                        self.spawn(job, permit);
                    }
                    continue;
                }
                Found::Held => {
                    let nap = patience;
                    patience = (patience * 2).min(LONGEST_SLEEP);
                    nap
                }
                Found::Nothing => LONGEST_SLEEP,
            };
            tokio::select! {
                () = self.engine.bell.jobs(self.lane, nap) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    fn spawn(&self, job: ClaimedJob, place: OwnedSemaphorePermit) {
        let engine = Arc::clone(&self.engine);
        let context = Arc::clone(&self.context);
        let lane = self.lane;
        self.running.spawn(async move {
            run(&engine, &context, job).await;
            drop(place);
            engine.bell.ring_jobs(lane);
        });
    }

    async fn claim(&self, places: Places, stop: &CancellationToken) -> Result<Found, StorageError> {
        let engine = &self.engine;
        let now = self.engine.clock.now();
        if places.free == 0
            || !engine.db.read().await?.system().jobs().any_due(now, self.lane).await?
        {
            return Ok(Found::Nothing);
        }
        let mut tx = engine.db.begin().await?;
        let claimed = tx.system().jobs().claim(engine.process, now, self.lane, places).await?;
        if claimed.is_empty() {
            return Ok(Found::Held);
        }
        if let Err(error) = tx.commit().await {
            // It may have been committed all the same: then they are ours, and nobody else takes
            // them.
            self.hand_back(&claimed, stop).await;
            return Err(error);
        }
        Ok(Found::Jobs(claimed))
    }

    /// Hands jobs back that may be ours, until that is done or the process stops: then all that is
    /// ours is handed back.
    async fn hand_back(&self, jobs: &[ClaimedJob], stop: &CancellationToken) {
        let engine = &self.engine;
        while !stop.is_cancelled() {
            let handed_back = async {
                let mut tx = engine.db.begin().await?;
                for job in jobs {
                    let due = engine.clock.now();
                    tx.system().jobs().hand_back(job.id, engine.process, due).await?;
                }
                tx.commit().await
            };
            match timeout(HAND_BACK, handed_back).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => {
                    tracing::error!(error = &error as &dyn Error, "could not release jobs");
                }
                Err(_) => tracing::error!("releasing jobs timed out"),
            }
            tokio::select! {
                () = sleep(LONGEST_SLEEP) => {}
                () = stop.cancelled() => {}
            }
        }
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

    while let Err(error) = retried(|| end(engine, &job, &result)).await {
        tracing::error!(error = &error as &dyn Error, "could not finish a job");
        sleep(LONGEST_SLEEP).await;
    }

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
