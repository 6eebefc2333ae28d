//! Measures an assistant by a question set: `engine` knows how.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::{job::Kind, retry::Retry};
use replyx_engine::evaluation;
use replyx_knowledge::evaluate::Evaluate;

use crate::job::{Failed, Job, JobRun};

/// When a run that failed is started again.
const AGAIN: Duration = Duration::from_secs(5);

impl Job for Evaluate {
    const KIND: Kind = Self::KIND;
    const ATTEMPTS: u32 = evaluation::ATTEMPTS;

    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let asked = evaluation::run(run.engine, self).boxed().await;

        // Also when the database was only busy: each attempt asks, and pays, again.
        asked.map_err(|error| Failed::made(error.to_string(), Retry::After(AGAIN)))
    }

    async fn give_up(self, run: JobRun<'_>) -> Result<(), String> {
        evaluation::give_up(run.engine, self).await.map_err(|error| error.to_string())
    }
}
