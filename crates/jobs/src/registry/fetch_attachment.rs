//! Fetches a file of a customer: `engine` knows how.

use futures::FutureExt;
use replyx_core::job::Kind;
use replyx_engine::attachments::{self, FetchAttachment};

use crate::job::{Failed, Job, JobRun};

impl Job for FetchAttachment {
    const KIND: Kind = Self::KIND;
    const ATTEMPTS: u32 = attachments::ATTEMPTS;

    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let done = attachments::fetch(run.engine, self).boxed().await;
        done.map_err(|error| {
            let reason = error.to_string();
            let retry = error.retry(run.row.attempts);
            match error {
                attachments::FetchError::Storage(error) if error.is_transient() => {
                    Failed::interrupted(reason, retry)
                }
                _ => Failed::made(reason, retry),
            }
        })
    }

    async fn give_up(self, run: JobRun<'_>) -> Result<(), String> {
        attachments::give_up(run.engine, self).await.map_err(|error| error.to_string())
    }
}
