//! Questions whose right answers are known, and how an assistant did on them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AssistantId, DocumentId, PassageId, QuestionSetId, RunId, WorkspaceId},
    money::Money,
    words::words,
};

/// A question and what is expected of search and answer. With nothing expected the right answer is
/// that the documents do not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The customer's words.
    pub question: String,
    /// The documents of which one must be found, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentId>,
    /// The documents of which one must be found, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub document_names: Vec<String>,
    /// The passages of which one must be found, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<PassageId>,
    /// Strings of which one must occur in the answer (letter case and blanks do not count), and in
    /// a passage that search finds where neither documents nor passages are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
}

impl Question {
    /// Should the assistant say that it does not know?
    pub fn is_unanswerable(&self) -> bool {
        self.documents.is_empty()
            && self.document_names.is_empty()
            && self.passages.is_empty()
            && self.answers.is_empty()
    }
}

/// A named list of questions for an assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionSet {
    /// Identity.
    pub id: QuestionSetId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant it measures.
    pub assistant_id: AssistantId,
    /// Its display name.
    pub name: String,
    /// How many questions it has.
    pub size: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// How an assistant did. Shares are 0 to 1; `None` where there was nothing to measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How many questions.
    pub questions: usize,
    /// How many of them say which document, passage or answer search should find.
    pub searchable: usize,
    /// Of these, how many had it first.
    pub recall_1: Option<f64>,
    /// Among the first three.
    pub recall_3: Option<f64>,
    /// Among the first five.
    pub recall_5: Option<f64>,
    /// Among the first ten.
    pub recall_10: Option<f64>,
    /// Mean reciprocal rank within the first ten.
    pub mrr: Option<f64>,
    /// Normalised discounted cumulative gain within the first ten.
    pub ndcg: Option<f64>,
    /// Of the answerable questions with an answer string, how many answers hold one.
    pub containment: Option<f64>,
    /// Of the declined questions, how many have no answer in the documents.
    pub abstention_precision: Option<f64>,
    /// Of the questions without an answer in the documents, how many were declined.
    pub abstention_recall: Option<f64>,
    /// Of the answerable questions, how many were declined.
    pub wrongly_declined: Option<f64>,
    /// Of the answers, how many failed the check against their sources.
    pub unverified: Option<f64>,
    /// Of the questions, how many no model answered.
    #[serde(default)]
    pub failed: Option<f64>,
    /// Search, milliseconds, median.
    pub search_p50_ms: f64,
    /// Search, milliseconds, 99th of 100.
    pub search_p99_ms: f64,
    /// Question to answer, milliseconds, median.
    pub answer_p50_ms: Option<f64>,
    /// Question to answer, milliseconds, 99th of 100.
    pub answer_p99_ms: Option<f64>,
    /// What providers charge for all of it, in US dollars.
    pub cost: Money,
}

/// How it did on one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionResult {
    /// The question.
    pub question: String,
    /// Where search had what was expected, from 1; `None`: not within the first ten, or nothing was
    /// expected.
    pub rank: Option<usize>,
    /// The documents found, best first, by name; at most ten.
    pub found: Vec<String>,
    /// The answer, where answers were asked for.
    pub answer: Option<String>,
    /// Whether it contains an expected string.
    pub contained: Option<bool>,
    /// Whether it said that it does not know.
    pub declined: Option<bool>,
    /// Whether that (or answering) was right.
    pub right: Option<bool>,
}

words! {
    /// The status of a run.
    RunStatus {
        /// Waiting for its turn.
        Queued = "queued",
        /// Asking.
        Running = "running",
        /// Measured.
        Done = "done",
        /// Cannot be measured; the run's `error` says why.
        Failed = "failed",
    }
}

/// A measurement of an assistant by a question set.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The questions.
    pub set_id: QuestionSetId,
    /// The assistant that was measured.
    pub assistant_id: AssistantId,
    /// Its published version; `None`: the draft.
    pub version: Option<i64>,
    /// SHA-256 of the settings and questions that were measured, lower-case hexadecimal.
    pub settings_hash: String,
    /// Whether answers were requested, or search only.
    pub answers: bool,
    /// Its status.
    pub status: RunStatus,
    /// How many questions have been asked.
    pub done: i64,
    /// How many there are.
    pub total: i64,
    /// How it did, once it is done.
    pub metrics: Option<Metrics>,
    /// Why it failed, in a sentence for its owner.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}
