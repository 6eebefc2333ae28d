//! Fetches a source: `knowledge` knows how.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::{ids::WorkspaceId, job::Kind, setting::CRAWL_MB_PER_DAY};
use replyx_engine::Engine;
use replyx_knowledge::sources::{self, FetchContext, FetchSource};
use tokio::time::sleep;

use crate::job::{Failed, Job, JobRun};

/// How often it is looked whether the workspace has been suspended.
const LOOK: Duration = Duration::from_secs(2);

/// Ends when the workspace is suspended.
async fn suspended(engine: &Engine, workspace: WorkspaceId) {
    loop {
        sleep(LOOK).await;
        let policy = async {
            let mut tx = engine.db.read().await?;
            tx.system().workspaces().model_policy(workspace).await
        };
        let policy = policy.await.ok().flatten();
        if policy.is_some_and(|policy| policy.suspended) {
            return;
        }
    }
}

impl Job for FetchSource {
    const KIND: Kind = Self::KIND;
    const ATTEMPTS: u32 = sources::ATTEMPTS;

    /// Runs until the source is fetched, its workspace is suspended, or the program ends.
    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let workspace = self.workspace_id;
        let ended = async {
            tokio::select! {
                () = run.context.stop.cancelled() => {}
                () = suspended(run.engine, workspace) => {}
            }
        };

        let done = sources::run(with(run), self, ended).boxed().await;
        done.map_err(|error| {
            let reason = error.to_string();
            let retry = error.retry(run.row.attempts);
            if error.is_transient() {
                Failed::interrupted(reason, retry)
            } else {
                Failed::made(reason, retry)
            }
        })
    }

    async fn give_up(self, run: JobRun<'_>) -> Result<(), String> {
        sources::give_up(with(run), self).await.map_err(|error| error.to_string())
    }
}

fn with(run: JobRun<'_>) -> FetchContext<'_> {
    FetchContext {
        db: &run.engine.db,
        clock: &run.engine.clock,
        fetcher: &run.context.fetcher,
        parking: &run.context.parking,
        bytes_per_day: run.engine.tuning.int(CRAWL_MB_PER_DAY).saturating_mul(1024 * 1024),
    }
}
