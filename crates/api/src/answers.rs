//! Answers written by people. Each is a document of its own kind: found by search like any
//! other, and shown here alone.

pub mod create;
pub mod delete;
pub mod import;
pub mod list;
pub mod read;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, DocumentId, WorkspaceId},
    knowledge::{Document, DocumentKind},
};
use replyx_storage::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    documents,
    error::{ApiError, ApiResult},
    state::AppState,
    tagged::{Edition, Tagged},
    words::DocumentStatusWord,
};

/// The longest question, characters.
pub(crate) const LONGEST_QUESTION: usize = 1_000;
/// The longest answer, characters.
pub(crate) const LONGEST_ANSWER: usize = 8_000;
/// How much of a question names its document, characters.
const NAME: usize = 200;

/// A question and its answer, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    question: String,
    answer: String,
}

impl Pair {
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
        state: &AppState,
        workspace: WorkspaceId,
        assistant: AssistantId,
    ) -> (Document, Vec<u8>) {
        let bytes = self.bytes();
        let kind = DocumentKind::Answer;
        let document =
            documents::new(state.clock(), workspace, assistant, self.name(), kind, &bytes);
        (document, bytes)
    }
}

/// A question and its answer, as clients see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairView {
    id: Uuid,
    #[schema(example = "Are you open on Sundays?")]
    question: String,
    #[schema(example = "Yes, from 10 to 16.")]
    answer: String,
    /// `queued`, `extracting`, `chunking`, `embedding`, `ready` or `failed`.
    #[schema(value_type = DocumentStatusWord, example = "ready")]
    status: &'static str,
    /// Why it failed.
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl PairView {
    fn of(document: Document, pair: Pair) -> Self {
        Self {
            id: document.id.into_uuid(),
            question: pair.question,
            answer: pair.answer,
            status: document.status.as_str(),
            error: document.error,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

/// A pair with its `ETag`. Its editions differ in what people wrote.
fn tagged(document: Document, pair: Pair) -> Tagged<PairView> {
    Tagged::new(Edition::of(&pair), PairView::of(document, pair))
}

/// The pair that a document holds.
async fn pair(tx: &mut Tx, document: &Document) -> ApiResult<Pair> {
    let original = tx.workspace(document.workspace_id).documents().original(document.id).await?;
    parsed(&original.ok_or(ApiError::NotFound("answer"))?)
}

/// The pair that is stored as these bytes.
fn parsed(original: &[u8]) -> ApiResult<Pair> {
    serde_json::from_slice(original).map_err(|error| ApiError::Internal(error.into()))
}

/// The document, if it is an answer that this assistant knows.
fn of_assistant(found: Option<Document>, assistant: AssistantId) -> ApiResult<Document> {
    found
        .filter(|document| document.kind == DocumentKind::Answer)
        .filter(|document| document.assistants.contains(&assistant))
        .ok_or(ApiError::NotFound("answer"))
}

/// What an act on it is about.
fn target(id: DocumentId) -> (&'static str, DocumentId) {
    ("answer", id)
}

/// A text that says something.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn telling(text: &str, (): &()) -> garde::Result {
    if text.contains(char::is_alphanumeric) {
        Ok(())
    } else {
        Err(garde::Error::new("must hold a letter or a digit"))
    }
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
