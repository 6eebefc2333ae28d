//! Reads documents, gives their passages vectors, and copies these into the index of the database:
//! `knowledge` knows how.

use futures::FutureExt;
use replyx_core::job::Kind;
use replyx_engine::Engine;
use replyx_knowledge::index::{
    self, IndexContext, IndexDocument, IndexError, neighbours::IndexNeighbours,
};
use serde::Deserialize;

use crate::job::{Failed, Job, JobContext, JobRun};

/// Gives the passages of a document their vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct EmbedDocument(pub(crate) IndexDocument);

impl Job for IndexDocument {
    const KIND: Kind = Self::KIND;
    const ATTEMPTS: u32 = index::ATTEMPTS;

    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let done = index::run(with(run.engine, run.context), self, run.row.attempts).boxed().await;
        done.map_err(|error| failed(&error, run))
    }

    async fn give_up(self, run: JobRun<'_>) -> Result<(), String> {
        let done = index::give_up(with(run.engine, run.context), self).await;
        done.map_err(|error| error.to_string())
    }
}

impl Job for EmbedDocument {
    const KIND: Kind = index::embed::KIND;
    const ATTEMPTS: u32 = index::ATTEMPTS;

    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let with = with(run.engine, run.context);
        let done = index::embed::run(with, self.0, run.row.attempts).boxed().await;
        done.map_err(|error| failed(&error, run))
    }

    async fn give_up(self, run: JobRun<'_>) -> Result<(), String> {
        let done = index::embed::give_up(with(run.engine, run.context), self.0).await;
        done.map_err(|error| error.to_string())
    }
}

impl Job for IndexNeighbours {
    const KIND: Kind = Self::KIND;
    const ATTEMPTS: u32 = index::ATTEMPTS;

    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let done = index::neighbours::run(with(run.engine, run.context), self).boxed().await;
        done.map_err(|error| failed(&error.into(), run))
    }

    /// The next sweep queues what is missing.
    async fn give_up(self, _: JobRun<'_>) -> Result<(), String> {
        Ok(())
    }
}

/// What indexing works with.
pub(crate) fn with<'a>(engine: &'a Engine, context: &'a JobContext) -> IndexContext<'a> {
    IndexContext {
        db: &engine.db,
        clock: &engine.clock,
        program: &context.program,
        embeddings: &engine.embeddings,
    }
}

fn failed(error: &IndexError, run: JobRun<'_>) -> Failed {
    let reason = error.to_string();
    let retry = error.retry(run.row.attempts);
    if error.is_transient() {
        Failed::interrupted(reason, retry)
    } else {
        Failed::made(reason, retry)
    }
}
