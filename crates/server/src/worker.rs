//! Background jobs: takes on those that are due, runs each by its kind, and sweeps up now and then.

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use replyx_channels::email::{Post, Product};
use replyx_core::retry::Retry;
use replyx_engine::Engine;
use replyx_knowledge::{crawl::Fetcher, sources::FetchSource};
use replyx_storage::{StorageError, jobs::ClaimedJob, retried};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub mod confinement;
mod fetch_source;
mod mail;
mod registry;
mod sweep;

use registry::Attempt;

/// How many heavy jobs run at once: reading documents must not starve answering customers.
const HEAVY: usize = 2;
/// How many light jobs run at once: a mail waits for the network, not for a processor.
const LIGHT: usize = 4;
/// How long to sleep at most when nobody rings.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often to sweep up.
const SWEEP: Duration = Duration::from_mins(10);

/// What jobs work with besides the engine.
#[derive(Debug)]
pub struct Tools {
    /// This very program, to be run as a child that reads hostile files.
    pub program: PathBuf,
    /// The way for mail out of the house.
    pub post: Post,
    /// What the mail is about.
    pub product: Product,
    /// Who fetches web pages.
    pub fetcher: Fetcher,
    /// Ends jobs that take long.
    pub stop: CancellationToken,
}

/// Works until stopped, then waits for the jobs that are running.
pub async fn work(engine: Arc<Engine>, tools: Tools, stop: CancellationToken) {
    let tools = Arc::new(tools);
    let running = TaskTracker::new();
    let lane = |heavy, at_once| {
        let (engine, tools) = (Arc::clone(&engine), Arc::clone(&tools));
        Lane { engine, tools, running: running.clone(), heavy, at_once }.work(stop.clone())
    };
    tokio::join!(lane(true, HEAVY), lane(false, LIGHT), sweep(&engine, &tools, &stop));
    running.close();
    running.wait().await;
}

/// Sweeps up now and then, until stopped.
async fn sweep(engine: &Engine, tools: &Tools, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        sweep::all(engine, tools).await;
        tokio::select! {
            () = sleep(SWEEP) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Workers for one weight of jobs: a hundred documents do not hold up a mail.
struct Lane {
    engine: Arc<Engine>,
    tools: Arc<Tools>,
    running: TaskTracker,
    heavy: bool,
    at_once: usize,
}

impl Lane {
    async fn work(self, stop: CancellationToken) {
        let free = Arc::new(Semaphore::new(self.at_once));
        while !stop.is_cancelled() {
            let room = free.available_permits();
            let claimed = match retried(|| claim(&self.engine, self.heavy, room)).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::error!(error = &error as &dyn Error, "jobs could not be claimed");
                    sleep(LONGEST_SLEEP).await;
                    continue;
                }
            };
            if claimed.is_empty() {
                tokio::select! {
                    () = self.engine.bell.jobs(LONGEST_SLEEP) => {}
                    () = stop.cancelled() => {}
                }
            }
            for job in claimed {
                let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
                // A crawl mostly waits for its turn with a server: it takes no place from who works.
                let permit = Some(permit).filter(|_| job.kind != FetchSource::KIND);
                let (engine, tools) = (Arc::clone(&self.engine), Arc::clone(&self.tools));
                self.running.spawn(async move {
                    run(&engine, &tools, job).await;
                    drop(permit);
                    engine.bell.ring_jobs();
                });
            }
        }
    }
}

async fn claim(engine: &Engine, heavy: bool, room: usize) -> Result<Vec<ClaimedJob>, StorageError> {
    let (now, room) = (engine.clock.now(), u32::try_from(room).unwrap_or_default());
    if room == 0 || !engine.db.read().await?.system().jobs().any_due(now, heavy).await? {
        return Ok(Vec::new());
    }
    let mut tx = engine.db.begin().await?;
    let claimed = tx.system().jobs().claim(engine.process, now, heavy, room).await?;
    tx.commit().await?;
    Ok(claimed)
}

#[tracing::instrument(name = "worker.job.run", skip_all, fields(job.id = %job.id, job.kind = %job.kind))]
async fn run(engine: &Engine, tools: &Tools, job: ClaimedJob) {
    let begun = Instant::now();
    let result = registry::run_or_give_up(engine, tools, &job).await;
    let outcome = match &result {
        Ok(()) => "done",
        Err(failed) if matches!(failed.retry, Retry::After(_)) => "again",
        Err(_) => "dead",
    };
    metrics::counter!("jobs_total", "kind" => registry::label(&job.kind), "outcome" => outcome)
        .increment(1);
    if let Err(failed) = &result {
        tracing::warn!(error = %failed.reason, job.outcome = outcome, "job failed");
    }
    while let Err(error) = retried(|| end(engine, &job, &result)).await {
        tracing::error!(error = &error as &dyn Error, "a job could not be ended");
        sleep(LONGEST_SLEEP).await;
    }
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(job.outcome = outcome, duration_ms, "job ended");
}

async fn end(
    engine: &Engine,
    job: &ClaimedJob,
    result: &Result<(), registry::Failed>,
) -> Result<(), StorageError> {
    let mut tx = engine.db.begin().await?;
    let jobs = tx.system().jobs();
    match result {
        Ok(()) => jobs.finish(job.id, engine.process).await?,
        Err(failed) => {
            let due = match failed.retry {
                Retry::After(wait) => Some(engine.clock.now() + wait),
                Retry::Never => None,
            };
            let reason = &failed.reason;
            match due.filter(|_| failed.attempt == Attempt::Interrupted) {
                Some(due) => jobs.hand_back(job.id, engine.process, due).await?,
                None => jobs.fail(job.id, engine.process, reason, due).await?,
            }
        }
    }
    tx.commit().await?;
    Ok(())
}
