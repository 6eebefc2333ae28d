//! Gives waiting dialogs to operators: `engine` knows to whom.

use std::time::Duration;

use futures::FutureExt;
use replyx_core::{job::Kind, retry::Retry};
use replyx_engine::{assignment, giving::GiveOut};

use crate::job::{Failed, Job, JobRun};

/// When one is tried again that failed.
const AGAIN: Duration = Duration::from_secs(2);

impl Job for GiveOut {
    const KIND: Kind = Self::KIND;
    const ATTEMPTS: u32 = Self::ATTEMPTS;

    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let given = assignment::give_out(run.engine, self.workspace_id).boxed().await;
        given.map(drop).map_err(|error| {
            let reason = error.to_string();
            if error.is_transient() {
                Failed::interrupted(reason, Retry::After(AGAIN))
            } else {
                Failed::made(reason, Retry::After(AGAIN))
            }
        })
    }

    /// What is left over is found by the clock.
    async fn give_up(self, _: JobRun<'_>) -> Result<(), String> {
        Ok(())
    }
}
