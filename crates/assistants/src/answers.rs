//! Answers written by people. Each is a document of its own kind: found by
//! search like any other, and changed here alone.

use replyx_core::{
    actor::Caller,
    change::New,
    clock::Clock,
    file::StoredBytes,
    ids::{AssistantId, DocumentId, WorkspaceId},
    knowledge::{Document, DocumentKind, Fingerprint, NewDocument},
    rules::document::DocumentFile,
};
use replyx_extract::ExtractError;
use replyx_knowledge::index::{self, IndexDocument};
use replyx_storage::{StorageError, Tx, repeated};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Cx, Missing, Unacceptable,
    documents::{DayIsFull, TooManyWaiting, WorkspaceIsFull, may_queue},
    lock_assistant,
};

mod import;

pub use import::{Batch, Imported, Table, import, read_table};

/// The longest question, characters.
pub const LONGEST_QUESTION: usize = 1_000;
/// The longest answer, characters.
pub const LONGEST_ANSWER: usize = 8_000;
/// How much of a question names its document, characters.
const NAME: usize = 200;

/// A question and its answer, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The question, as a customer would ask it.
    pub question: String,
    /// The answer.
    pub answer: String,
}

impl Pair {
    /// Reads the original of the document that holds it.
    ///
    /// # Errors
    ///
    /// Fails when it is no pair.
    pub fn parse(original: &[u8]) -> Result<Self, AnswerError> {
        serde_json::from_slice(original).map_err(AnswerError::Corrupt)
    }

    fn name(&self) -> String {
        let words: Vec<&str> = self.question.split_whitespace().collect();
        words.join(" ").chars().take(NAME).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("two texts are JSON")
    }

    /// The document that waits to be read, with its bytes.
    fn document(
        &self,
        clock: &Clock,
        workspace_id: WorkspaceId,
        assistant_id: AssistantId,
    ) -> (Document, Vec<u8>) {
        let bytes = self.bytes();
        let new = NewDocument {
            workspace_id,
            assistant_id,
            name: self.name(),
            kind: DocumentKind::Answer,
            page: None,
            original: Fingerprint::of(&bytes),
        };
        (Document::queued(clock, new), bytes)
    }
}

/// Does a text say anything?
pub fn is_telling(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// An answer could not be added, read or changed.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// There is no such answer or assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It is no longer what the caller has read.
    #[error("the answer has been changed since it was read")]
    Changed,
    /// A table is not what can be imported.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// Documents wait to be read.
    #[error(transparent)]
    TooManyWaiting(#[from] TooManyWaiting),
    /// The workspace has uploaded all of its day.
    #[error(transparent)]
    DayIsFull(#[from] DayIsFull),
    /// The workspace keeps as much as it may.
    #[error(transparent)]
    WorkspaceIsFull(#[from] WorkspaceIsFull),
    /// What is stored cannot be read.
    #[error("a stored answer cannot be read")]
    Corrupt(#[source] serde_json::Error),
    /// The program that reads tables could not be run.
    #[error("the table could not be read")]
    Reader(#[source] ExtractError),
    /// The table could not be read to its end.
    #[error("the table could not be read")]
    Interrupted(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error("the answer could not be changed")]
    Storage(#[from] StorageError),
}

/// The document, if it is an answer that this assistant knows.
fn of_assistant(found: Option<Document>, assistant: AssistantId) -> Result<Document, Missing> {
    found
        .filter(|document| document.kind == DocumentKind::Answer)
        .filter(|document| document.assistants.contains(&assistant))
        .ok_or(Missing("answer"))
}

async fn pair(tx: &mut Tx, document: &Document) -> Result<Pair, AnswerError> {
    let original = tx.workspace(document.workspace_id).documents().original(document.id).await?;
    let original = original.and_then(StoredBytes::into_inline);
    Pair::parse(&original.ok_or(Missing("answer"))?)
}

/// Reads an answer of an assistant.
pub async fn read(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
) -> Result<(Document, Pair), AnswerError> {
    let mut tx = cx.db.read().await?;
    let found = tx.workspace(caller.workspace_id).documents().find(id).await?;
    let document = of_assistant(found, assistant)?;
    let pair = pair(&mut tx, &document).await?;
    Ok((document, pair))
}

/// What became of a pair that was to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was there already.
    Known(Document),
    /// It waits to be read.
    New(Document),
}

/// Adds a question with its answer, which search finds once it has been read. If the same pair
/// exists, that one is returned.
pub async fn create(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    pair: &Pair,
) -> Result<Added, AnswerError> {
    repeated(|| create_once(cx, caller, assistant, pair)).await
}

async fn create_once(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    pair: &Pair,
) -> Result<Added, AnswerError> {
    let workspace = caller.workspace_id;
    let (document, bytes) = pair.document(cx.clock, workspace, assistant);
    let mut tx = cx.db.begin().await?;
    lock_assistant::<AnswerError>(&mut tx, caller, assistant).await?;
    let documents = tx.workspace(workspace).documents();
    if let Some(twin) = documents.twin(assistant, &document.name, &document.content_hash).await? {
        return Ok(Added::Known(twin));
    }

    may_queue::<AnswerError>(&mut tx, caller).await?;
    let change = document.write_answer(&bytes, assistant, &caller.actor());
    let New(DocumentFile { document, .. }) = tx.apply(change).await?;
    index::queue(&mut tx, cx.clock, IndexDocument::of(&document)).await?;
    tx.commit().await?;
    Ok(Added::New(document))
}

/// What is to change of a pair. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairChange {
    /// The question, as a customer would ask it.
    pub question: Option<String>,
    /// The answer.
    pub answer: Option<String>,
}

/// Changes a question or its answer, unless `is_as_read` says that it is no longer what the caller
/// has read. Until it has been read again, the old one is found.
pub async fn update(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
    change: PairChange,
    is_as_read: impl Fn(&Pair) -> bool,
) -> Result<(Document, Pair), AnswerError> {
    repeated(|| update_once(cx, caller, assistant, id, change.clone(), &is_as_read)).await
}

async fn update_once(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
    change: PairChange,
    is_as_read: &impl Fn(&Pair) -> bool,
) -> Result<(Document, Pair), AnswerError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    let found = tx.workspace(workspace).documents().lock(id).await?;
    let document = of_assistant(found, assistant)?;
    let before = pair(&mut tx, &document).await?;
    if !is_as_read(&before) {
        return Err(AnswerError::Changed);
    }
    let mut pair = before.clone();
    pair.question = change.question.unwrap_or(pair.question);
    pair.answer = change.answer.unwrap_or(pair.answer);
    if pair == before {
        return Ok((document, pair));
    }

    may_queue::<AnswerError>(&mut tx, caller).await?;
    let bytes = pair.bytes();
    let change =
        document.rewrite_answer(pair.name(), &bytes, assistant, &caller.actor(), cx.clock.now());
    let DocumentFile { document, .. } = tx.apply(change).await?;
    index::queue_once(&mut tx, cx.clock, IndexDocument::of(&document)).await?;
    tx.commit().await?;
    Ok((document, pair))
}

/// Deletes a question with its answer.
pub async fn delete(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
) -> Result<(), AnswerError> {
    repeated(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(caller.workspace_id).documents().lock(id).await?;
        let document = of_assistant(found, assistant)?;
        tx.apply(document.delete_answer(assistant, &caller.actor(), now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_named_after_its_question_in_one_line() {
        let question = format!("  Where\nis {}", "ж".repeat(300));
        let name = Pair { question, answer: "Here.".to_owned() }.name();
        assert!(name.starts_with("Where is жж"), "{name}");
        assert_eq!(name.chars().count(), NAME);
    }
}
