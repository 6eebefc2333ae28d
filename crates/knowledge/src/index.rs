//! The indexing job: an uploaded document becomes passages that search finds.
//!
//! [`run`] may be called twice for one document, also at once: passages are replaced as a whole, under the
//! document's lock, so the last one to finish is right. No transaction is open while a file is read.

use std::path::Path;
use std::time::Duration;

use replyx_core::{
    clock::Clock,
    ids::{DocumentId, WorkspaceId},
    knowledge::{Document, DocumentStatus},
    retry::{Backoff, Retry},
    terms,
};
use replyx_storage::{Db, StorageError, passages::NewPassage};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    chunk::{Chunk, chunk},
    extract::{self, ExtractError, Extracted, Unreadable},
};

/// A document of more passages than this is refused as too long: one upload must not fill an index.
pub const MAX_PASSAGES: usize = 50_000;

/// When a job is tried again after a trouble of our own.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(2), ceiling: Duration::from_mins(5), attempts: 8 };

/// Said of a document when the program that reads it could not be run in all attempts.
const OUR_TROUBLE: &str =
    "the file could not be read because of a technical problem; try again later";

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDocument {
    /// Whose document.
    pub workspace_id: WorkspaceId,
    /// Which one.
    pub document_id: DocumentId,
}

impl IndexDocument {
    /// What the queue calls this job.
    pub const KIND: &'static str = "index_document";
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
}

impl IndexError {
    /// When to try again after `attempt` attempts (1 = the first one failed).
    pub fn retry(&self, attempt: i64) -> Retry {
        let [chance] = Clock::bytes();
        BACKOFF.after(u32::try_from(attempt).unwrap_or(u32::MAX), chance)
    }
}

/// Reads a document, replaces its passages, and says what became of it in its status and the event log. `program`
/// is ours: it reads what foreign parsers read, see [`extract::isolated`]. `attempt` counts from 1; on the last
/// one the document fails instead of the job.
///
/// A document that is gone is a success: there is nothing to index.
///
/// # Errors
///
/// Fails when the database does, or when the program cannot be run; [`IndexError::retry`] says when to try again.
#[tracing::instrument(name = "knowledge.index.run", skip_all, fields(document.id = %job.document_id))]
pub async fn run(
    db: &Db,
    clock: &Clock,
    program: &Path,
    job: IndexDocument,
    attempt: i64,
) -> Result<(), IndexError> {
    let Some((document, original)) = begin(db, clock, job).await? else { return Ok(()) };
    let outcome = match extract::isolated(program, document.kind, &original).await {
        Ok(found) => cut(found, document.name.clone(), clock.clone()).await?,
        Err(ExtractError::Unreadable(why)) => Err(why.to_string()),
        Err(error @ ExtractError::Program(_)) => {
            let error = IndexError::Extract(error);
            if error.retry(attempt) != Retry::Never {
                return Err(error);
            }
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a document fails for our sake"
            );
            Err(OUR_TROUBLE.to_owned())
        }
    };
    settle(db, clock, job, outcome).await
}

/// Marks the document as being read and fetches its bytes.
async fn begin(
    db: &Db,
    clock: &Clock,
    job: IndexDocument,
) -> Result<Option<(Document, Vec<u8>)>, IndexError> {
    let mut tx = db.begin().await?;
    let locked = tx.workspace(job.workspace_id).documents().lock(job.document_id).await?;
    let Some(mut document) = locked else { return Ok(None) };
    if document.status != DocumentStatus::Processing {
        document.status = DocumentStatus::Processing;
        document.error = None;
        document.updated_at = clock.now();
        tx.workspace(job.workspace_id).documents().save(&document).await?;
    }
    let original = tx.workspace(job.workspace_id).documents().original(job.document_id).await?;
    tx.commit().await?;
    Ok(Some((document, original.unwrap_or_default())))
}

/// What is stored of a document that could be read.
struct Cut {
    text: String,
    passages: Vec<NewPassage>,
}

/// Cuts a text into passages, on a thread where a long text holds nobody up.
async fn cut(
    found: Extracted,
    name: String,
    clock: Clock,
) -> Result<Result<Cut, String>, IndexError> {
    let work = move || {
        let chunks = chunk(&found);
        if chunks.len() > MAX_PASSAGES {
            return Err(Unreadable::TooLong.to_string());
        }
        let title = title_terms(&name);
        let passages = chunks.into_iter().map(|chunk| passage(chunk, &title, &clock)).collect();
        Ok(Cut { text: found.text, passages })
    };
    tokio::task::spawn_blocking(work).await.map_err(IndexError::Cut)
}

/// The stems of a document's name, without its extension.
fn title_terms(name: &str) -> String {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
    terms::index_text(stem)
}

/// A passage is found by its words, by the headings above it, and by its document's name.
fn passage(chunk: Chunk, title: &str, clock: &Clock) -> NewPassage {
    let headings = terms::index_text(&chunk.headings);
    let text = terms::index_text(&chunk.text);
    let parts = [title, &headings, &text];
    let terms = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    NewPassage {
        id: clock.id(),
        length: count(terms.split(' ').count()),
        terms,
        headings: chunk.headings,
        text: chunk.text,
        start: count(chunk.start),
        end: count(chunk.end),
        page: chunk.page.map(count),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Stores what became of the document.
async fn settle(
    db: &Db,
    clock: &Clock,
    job: IndexDocument,
    outcome: Result<Cut, String>,
) -> Result<(), IndexError> {
    let mut tx = db.begin().await?;
    let locked = tx.workspace(job.workspace_id).documents().lock(job.document_id).await?;
    let Some(mut document) = locked else { return Ok(()) };
    let (assistant, id) = (document.assistant_id, document.id);
    document.updated_at = clock.now();
    let passages = match &outcome {
        Ok(cut) => cut.passages.as_slice(),
        Err(_) => &[],
    };
    document.passages = count(passages.len());
    tx.workspace(job.workspace_id).passages().replace(assistant, id, passages).await?;
    match outcome {
        Ok(cut) => {
            document.status = DocumentStatus::Ready;
            document.error = None;
            tx.workspace(job.workspace_id).documents().set_text(id, &cut.text).await?;
        }
        Err(why) => {
            document.status = DocumentStatus::Failed;
            document.error = Some(why);
        }
    }
    tx.workspace(job.workspace_id).documents().save(&document).await?;
    tx.commit().await?;
    tracing::info!(document.status = %document.status, document.passages = document.passages, "indexed");
    Ok(())
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
