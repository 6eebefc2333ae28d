//! Fetches a source: `knowledge` knows how.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::ids::WorkspaceId;
use replyx_engine::Engine;
use replyx_knowledge::sources::{self, FetchSource, SourceError};
use tokio::time::sleep;

use super::{JobContext, registry::Failed};

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

/// Runs the job until it is done, its workspace is suspended, or the program ends.
pub(super) async fn run(
    engine: &Engine,
    tools: &JobContext,
    job: FetchSource,
    attempt: i64,
) -> Result<(), Failed> {
    let workspace = job.workspace_id;
    let ended = async {
        tokio::select! {
            () = tools.stop.cancelled() => {}
            () = suspended(engine, workspace) => {}
        }
    };
    let done = sources::run(with(engine, tools), job, ended).boxed().await;
    done.map_err(|error| {
        let reason = error.to_string();
        let retry = error.retry(attempt);
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
    tools: &JobContext,
    job: FetchSource,
) -> Result<(), SourceError> {
    sources::give_up(with(engine, tools), job).await
}

fn with<'a>(engine: &'a Engine, tools: &'a JobContext) -> sources::FetchContext<'a> {
    sources::FetchContext {
        db: &engine.db,
        clock: &engine.clock,
        fetcher: &tools.fetcher,
        parking: &tools.parking,
    }
}
