//! The indexing job: a document becomes passages that search finds.
//!
//! [`run`] reads a document, cuts it, and changes those of its passages that changed; from then on
//! words find it. [`embed::run`] gives the passages their vectors, a minute's work at a time.
//!
//! Either may be called twice for one document, also at once: what changes is decided under the
//! document's lock. No transaction is open while a file is read or a model works.

use std::{path::Path, time::Duration};

use replyx_core::{
    clock::Clock,
    ids::{DocumentId, WorkspaceId},
    job::Kind,
    knowledge::{Document, DocumentStatus},
    retry::{Backoff, Retry},
    rules::document::{Indexed, Vectors},
};
use replyx_extract::ExtractError;
use replyx_llm::Embeddings;
use replyx_storage::{Db, StorageError, Tx, passages::PassageChanges};
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod cut;
pub mod embed;
pub mod neighbours;
mod reading;
mod steps;

pub use cut::INDEX_VERSION;
use cut::{CutDocument, cut};
use reading::Reading;
use steps::Stored;

/// A document of more passages than this is refused as too long: one upload must not fill an index.
pub const MAX_PASSAGES: usize = 50_000;

/// So many passages are changed in one transaction: others want to write, too. Twenty thousand at
/// once would hold the only writer of `SQLite` for seconds.
const TOGETHER: usize = 1_000;

/// When a job is tried again after a trouble of our own.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(2), ceiling: Duration::from_mins(5), attempts: 8 };

/// Said of a document when the program that reads it could not be run in all attempts.
const OUR_TROUBLE: &str =
    "the file could not be read because of a technical problem; try again later";

/// Said of a document whose reading was cut short in all attempts.
const KILLED: &str = "the file could not be read: each time it was tried the program was ended before it was done; the \
                      file may be damaged or need too much memory: save it again or in parts, and upload it again";

/// What indexing works with.
#[derive(Clone, Copy, Debug)]
pub struct IndexContext<'a> {
    /// Where documents are.
    pub db: &'a Db,
    /// Time and ids.
    pub clock: &'a Clock,
    /// This very program: it reads what foreign parsers read, see [`replyx_extract::isolated`].
    pub program: &'a Path,
    /// What turns passages into vectors.
    pub embeddings: &'a Embeddings,
}

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDocument {
    /// Whose document.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub document_id: DocumentId,
}

impl IndexDocument {
    /// What the queue calls this job.
    pub const KIND: Kind = Kind::heavy("index_document");

    /// The job that reads this document.
    pub const fn of(document: &Document) -> Self {
        Self { workspace_id: document.workspace_id, document_id: document.id }
    }
}

/// Queues the reading of a document in the transaction that makes it necessary.
pub async fn queue(tx: &mut Tx, clock: &Clock, job: IndexDocument) -> Result<(), StorageError> {
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    let jobs = tx.workspace(job.workspace_id).jobs();
    jobs.enqueue(clock.id(), IndexDocument::KIND, &payload, clock.now()).await
}

/// As [`queue`], unless the document waits to be read already.
pub async fn queue_once(
    tx: &mut Tx,
    clock: &Clock,
    job: IndexDocument,
) -> Result<(), StorageError> {
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    let jobs = tx.workspace(job.workspace_id).jobs();
    jobs.enqueue_once(clock.id(), IndexDocument::KIND, &payload, clock.now()).await
}

/// A document could not be indexed, and it is not the document's fault.
#[derive(Debug, Error)]
pub enum IndexError {
    /// The database failed.
    #[error("the document could not be indexed")]
    Storage(#[from] StorageError),
    /// The program that reads files could not be run.
    #[error("the document could not be read")]
    Extract(#[source] ExtractError),
    /// Cutting the text panicked.
    #[error("the text could not be cut into passages")]
    Cut(#[source] tokio::task::JoinError),
    /// The model that makes vectors gave none.
    #[error("the passages could not be turned into vectors")]
    Embed(#[source] replyx_llm::ModelError),
}

impl IndexError {
    /// Is the database only busy or away? Then the attempt does not count.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_transient())
    }

    /// When to try again after `attempt` attempts (1 = the first one failed).
    pub fn retry(&self, attempt: i64) -> Retry {
        let [chance] = Clock::bytes();
        BACKOFF.after(u32::try_from(attempt).unwrap_or(u32::MAX), chance)
    }
}

/// Reads a document, changes its passages, and says what became of it in its status and the event
/// log. `attempt` counts from 1; on the last one the document fails instead of the job.
///
/// A document that is gone is a success: there is nothing to index. One that is ready stays so
/// in the meantime, and its old passages are found until the new ones are there.
///
/// # Errors
///
/// Fails when the program cannot be run; [`IndexError::retry`] says when to try again.
#[tracing::instrument(name = "knowledge.index.run", skip_all, fields(document.id = %job.document_id))]
pub async fn run(
    tools: IndexContext<'_>,
    job: IndexDocument,
    attempt: i64,
) -> Result<(), IndexError> {
    let Some((reading, original)) = Reading::begin(tools, job).await? else { return Ok(()) };

    let outcome = match replyx_extract::isolated(tools.program, reading.kind, &original).await {
        Ok(found) => {
            step(tools, job, DocumentStatus::Chunking).await?;
            cut(found, reading.name.clone()).await?
        }
        Err(ExtractError::Unreadable(why)) => Err(why.to_string()),
        Err(error @ ExtractError::Program(_)) => {
            let error = IndexError::Extract(error);
            if error.retry(attempt) != Retry::Never {
                return Err(error);
            }
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "document failed because of an internal error"
            );
            Err(OUR_TROUBLE.to_owned())
        }
    };

    match outcome {
        Ok(cut) => keep(tools, job, &reading, cut).await,
        Err(why) => fail(tools, job, &reading, why).await,
    }
}

/// How often the job is tried at most. It counts when it is claimed, so that a document that kills
/// its process counts, too.
pub const ATTEMPTS: u32 = BACKOFF.attempts;

/// Ends the job of a document that has been tried as often as may be and never came to an end: the
/// document fails, unless it is found by search already.
pub async fn give_up(tools: IndexContext<'_>, job: IndexDocument) -> Result<(), IndexError> {
    tracing::error!(document.id = %job.document_id, attempts = ATTEMPTS, "document crashed its reader too often");
    let mut tx = tools.db.begin().await?;
    let locked = tx.workspace(job.workspace_id).documents().lock(job.document_id).await?;
    let Some(document) = locked else { return Ok(()) };
    let Some(reading) = Reading::newest(&mut tx, job).await? else { return Ok(()) };
    if document.status == DocumentStatus::Ready && !reading.is_new() {
        // It serves as it is; housekeeping must not queue it again for being indexed by earlier
        // rules.
        let documents = tx.workspace(job.workspace_id).documents();
        documents.set_index_version(job.document_id, INDEX_VERSION).await?;
        tx.commit().await?;
        return Ok(());
    }
    drop(tx);
    fail(tools, job, &reading, KILLED.to_owned()).await
}

/// Says how far the document is, unless it is found by search already.
async fn step(
    tools: IndexContext<'_>,
    job: IndexDocument,
    status: DocumentStatus,
) -> Result<(), IndexError> {
    let mut tx = tools.db.begin().await?;
    let locked = tx.workspace(job.workspace_id).documents().lock(job.document_id).await?;
    let Some(document) = locked else { return Ok(()) };
    if let Some(change) = document.advance(status, tools.clock.now()) {
        tx.apply(change).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Changes the passages and lets their vectors be made.
async fn keep(
    tools: IndexContext<'_>,
    job: IndexDocument,
    reading: &Reading,
    cut: CutDocument,
) -> Result<(), IndexError> {
    let workspace = job.workspace_id;
    let passages = count(cut.passages.len());
    let stems = cut.stems();
    let Some(stored) = steps::store(tools, job, reading, &cut.passages).await? else {
        return Ok(());
    };
    let Stored { mut tx, document, waiting, fresh } = stored;
    let replaced_by = reading.replaces(waiting.as_ref()).cloned();
    if replaced_by.is_some() {
        // From here on file, text and passages are those of the new version.
        tx.workspace(workspace).replacements().apply(document.id).await?;
    }
    tx.workspace(workspace).documents().set_text(document.id, Some(&cut.text)).await?;
    // A document that got another name in the meantime is read again.
    let name = replaced_by.as_ref().map_or(&document.name, |file| &file.name);
    let version = if *name == reading.name { INDEX_VERSION } else { 0 };
    tx.workspace(workspace).documents().set_indexed(document.id, stems, version).await?;

    let read = Indexed {
        newer_waits: waiting.is_some() && replaced_by.is_none(),
        replaced_by,
        title: cut.title,
        language: cut.language,
        passages,
        warnings: cut.warnings,
        vectors: vectors(tools, &mut tx, job, &document, passages, fresh > 0).await?,
    };
    let document = tx.apply(document.index(read, tools.clock.now())).await?;
    tx.workspace(workspace).knowledge().changed(document.id).await?;
    tx.commit().await?;
    tracing::info!(document.status = %document.status, document.passages = passages, fresh, "document indexed");
    Ok(())
}

/// What there is of vectors for a document that has just been cut. Sees to those that are missing.
async fn vectors(
    tools: IndexContext<'_>,
    tx: &mut Tx,
    job: IndexDocument,
    document: &Document,
    passages: i64,
    fresh: bool,
) -> Result<Vectors, IndexError> {
    let workspace = job.workspace_id;
    let Some(model) = tools.embeddings.model() else { return Ok(Vectors::NoModel) };

    let there = tx.workspace(workspace).passages().reuse_vectors(document.id, model).await?;
    let passages_of = tx.workspace(workspace).passages();
    let without_runs = passages_of.without_runs(document.id, model, 1).await?;
    if there < passages || !without_runs.is_empty() {
        embed::enqueue(tx, tools.clock, job).await?;
    } else {
        neighbours::follow(tx, tools.clock, workspace, &document.assistants).await?;
    }
    Ok(Vectors::Of { model: model.to_owned(), there, fresh })
}

/// The document cannot be read: what was read of it before is forgotten. A file that was to replace
/// another is forgotten itself.
async fn fail(
    tools: IndexContext<'_>,
    job: IndexDocument,
    reading: &Reading,
    why: String,
) -> Result<(), IndexError> {
    let workspace = job.workspace_id;

    let (mut tx, document) = loop {
        let mut tx = tools.db.begin().await?;
        let locked = reading.lock(&mut tx, job).await?;
        let Some((document, waiting)) = locked else { return Ok(()) };
        if let Some(file) = reading.replaces(waiting.as_ref()) {
            tx.workspace(workspace).replacements().forget(document.id).await?;
            if document.passages > 0 {
                tx.apply(document.keep_file(file, &why, tools.clock.now())).await?;
                tx.commit().await?;
                tracing::info!("replacement file of a document cannot be read");
                return Ok(());
            }
        }

        let stored = tx.workspace(workspace).passages().of(document.id).await?;
        let is_last = stored.len() <= TOGETHER;
        let gone = stored.into_iter().map(|passage| passage.id).take(TOGETHER).collect();
        let changes = PassageChanges { gone, ..PassageChanges::default() };
        tx.workspace(workspace).passages().change(document.id, &changes).await?;

        if is_last {
            break (tx, document);
        }

        tx.commit().await?;
    };

    tx.workspace(workspace).documents().set_text(document.id, None).await?;
    tx.workspace(workspace).documents().set_indexed(document.id, 0, INDEX_VERSION).await?;
    let document = tx.apply(document.fail_index(why, tools.clock.now())).await?;
    tx.workspace(workspace).knowledge().changed(document.id).await?;
    tx.commit().await?;
    tracing::info!("document cannot be read");

    Ok(())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_of_the_job_is_stable() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let job =
            IndexDocument { workspace_id: id.parse().unwrap(), document_id: id.parse().unwrap() };
        let stored = serde_json::json!({"workspace_id": id, "document_id": id});
        assert_eq!(serde_json::to_value(job).unwrap(), stored);
        assert_eq!(serde_json::from_value::<IndexDocument>(stored).unwrap(), job);
    }

    #[test]
    fn attempts_come_to_an_end() {
        let error = IndexError::Storage(StorageError::Address);
        assert!(matches!(error.retry(1), Retry::After(wait) if wait <= Duration::from_secs(2)));
        assert_eq!(error.retry(8), Retry::Never);
    }
}
