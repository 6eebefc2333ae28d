//! How assistants are measured: question sets, runs, and the gate before a version is published.

pub mod create_set;
pub mod diff;
pub mod results;
pub mod runs;
pub mod sets;
pub mod start_run;
pub mod update_set;

use chrono::{DateTime, Utc};
use replyx_core::{
    evaluation::{Metrics, Question, QuestionResult, QuestionSet, Run, RunStatus},
    ids::{DocumentId, PassageId, QuestionSetId, RunId, WorkspaceId},
};
use replyx_storage::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult},
    tagged::{Edition, Tagged},
};

/// A question and what is expected of search and answer. With nothing expected the right answer is
/// that the documents do not say it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EvaluationQuestion)]
pub struct QuestionView {
    /// The customer's words.
    #[schema(min_length = 1, max_length = 4_000, example = "How long may I return an item?")]
    question: String,
    /// The documents of which one must be found, by id.
    #[serde(default)]
    documents: Vec<Uuid>,
    /// The documents of which one must be found, by name.
    #[serde(default)]
    #[schema(example = json!(["returns.en.md"]))]
    document_names: Vec<String>,
    /// The passages of which one must be found, by id.
    #[serde(default)]
    passages: Vec<Uuid>,
    /// Strings of which one must occur in the answer, and in a passage that search finds where
    /// neither documents nor passages are named.
    #[serde(default)]
    #[schema(example = json!(["30 days"]))]
    answers: Vec<String>,
}

impl From<QuestionView> for Question {
    fn from(view: QuestionView) -> Self {
        Self {
            question: view.question,
            documents: view.documents.into_iter().map(Into::into).collect(),
            document_names: view.document_names,
            passages: view.passages.into_iter().map(Into::into).collect(),
            answers: view.answers,
        }
    }
}

impl From<Question> for QuestionView {
    fn from(question: Question) -> Self {
        Self {
            question: question.question,
            documents: question.documents.into_iter().map(DocumentId::into_uuid).collect(),
            document_names: question.document_names,
            passages: question.passages.into_iter().map(PassageId::into_uuid).collect(),
            answers: question.answers,
        }
    }
}

/// A question set, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionSet)]
pub struct SetView {
    id: Uuid,
    assistant_id: Uuid,
    #[schema(example = "Returns and delivery")]
    name: String,
    /// How many questions it has.
    #[schema(example = 40)]
    size: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<QuestionSet> for SetView {
    fn from(set: QuestionSet) -> Self {
        Self {
            id: set.id.into_uuid(),
            assistant_id: set.assistant_id.into_uuid(),
            name: set.name,
            size: set.size,
            created_at: set.created_at,
            updated_at: set.updated_at,
        }
    }
}

/// A set with its `ETag`.
fn tagged(set: QuestionSet) -> Tagged<SetView> {
    Tagged::new(edition(&set), set.into())
}

/// The edition of a set: of two changes the later one has the later time.
fn edition(set: &QuestionSet) -> Edition {
    Edition::number(set.updated_at.timestamp_micros())
}

/// A measurement, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationRun)]
pub struct RunView {
    id: Uuid,
    question_set_id: Uuid,
    assistant_id: Uuid,
    /// The published version that was measured; `null`: the draft.
    #[schema(example = 2)]
    version: Option<i64>,
    /// Whether answers were requested, or search only.
    answers: bool,
    #[schema(example = "done")]
    status: RunStatus,
    /// How many questions have been asked.
    #[schema(example = 40)]
    done: i64,
    /// How many there are.
    #[schema(example = 40)]
    total: i64,
    /// How it did, once it is done.
    metrics: Option<MetricsView>,
    /// Why it failed.
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.into_uuid(),
            question_set_id: run.set_id.into_uuid(),
            assistant_id: run.assistant_id.into_uuid(),
            version: run.version,
            answers: run.answers,
            status: run.status,
            done: run.done,
            total: run.total,
            metrics: run.metrics.map(Into::into),
            error: run.error,
            created_at: run.created_at,
            finished_at: run.finished_at,
        }
    }
}

/// How an assistant did. Shares are 0 to 1; `null` where there was nothing to measure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationMetrics)]
pub struct MetricsView {
    questions: usize,
    /// How many of them say what search should find.
    searchable: usize,
    recall_1: Option<f64>,
    recall_3: Option<f64>,
    recall_5: Option<f64>,
    recall_10: Option<f64>,
    /// Mean reciprocal rank within the first ten.
    mrr: Option<f64>,
    /// Normalised discounted cumulative gain within the first ten.
    ndcg: Option<f64>,
    /// Of the answers that should hold a string, how many do.
    containment: Option<f64>,
    /// Of the declined questions, how many have no answer in the documents.
    abstention_precision: Option<f64>,
    /// Of the questions without an answer in the documents, how many were declined.
    abstention_recall: Option<f64>,
    /// Of the answerable questions, how many were declined.
    wrongly_declined: Option<f64>,
    /// Of the answers, how many failed the check against their sources.
    unverified: Option<f64>,
    /// Of the questions, how many no model answered.
    failed: Option<f64>,
    search_p50_ms: f64,
    search_p99_ms: f64,
    answer_p50_ms: Option<f64>,
    answer_p99_ms: Option<f64>,
    /// The providers' charge for all of it, in US dollars.
    #[schema(example = "0.001500")]
    cost: String,
}

impl From<Metrics> for MetricsView {
    fn from(metrics: Metrics) -> Self {
        Self {
            questions: metrics.questions,
            searchable: metrics.searchable,
            recall_1: metrics.recall_1,
            recall_3: metrics.recall_3,
            recall_5: metrics.recall_5,
            recall_10: metrics.recall_10,
            mrr: metrics.mrr,
            ndcg: metrics.ndcg,
            containment: metrics.containment,
            abstention_precision: metrics.abstention_precision,
            abstention_recall: metrics.abstention_recall,
            wrongly_declined: metrics.wrongly_declined,
            unverified: metrics.unverified,
            failed: metrics.failed,
            search_p50_ms: metrics.search_p50_ms,
            search_p99_ms: metrics.search_p99_ms,
            answer_p50_ms: metrics.answer_p50_ms,
            answer_p99_ms: metrics.answer_p99_ms,
            cost: metrics.cost.to_string(),
        }
    }
}

/// How one question went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionResult)]
pub struct ResultView {
    #[schema(example = "How long may I return an item?")]
    question: String,
    /// Where search had what was expected, from 1; `null`: not within the first ten, or nothing was
    /// expected.
    #[schema(example = 1)]
    rank: Option<usize>,
    /// The titles of the documents found, best first.
    found: Vec<String>,
    /// The answer, where answers were asked for.
    #[schema(example = "You may return an item within 30 days.")]
    answer: Option<String>,
    /// Whether it contains an expected string.
    contained: Option<bool>,
    /// Whether it said that it does not know.
    declined: Option<bool>,
    /// Whether that (or answering) was right.
    right: Option<bool>,
}

impl From<QuestionResult> for ResultView {
    fn from(result: QuestionResult) -> Self {
        Self {
            question: result.question,
            rank: result.rank,
            found: result.found,
            answer: result.answer,
            contained: result.contained,
            declined: result.declined,
            right: result.right,
        }
    }
}

/// Finds a set of the workspace.
async fn find_set(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: QuestionSetId,
) -> ApiResult<QuestionSet> {
    let found = tx.workspace(workspace).question_sets().find(id).await?;
    found.ok_or(ApiError::NotFound("question set"))
}

/// Finds a run of the workspace.
async fn find_run(tx: &mut Tx, workspace: WorkspaceId, id: RunId) -> ApiResult<Run> {
    let found = tx.workspace(workspace).runs().find(id).await?;
    found.ok_or(ApiError::NotFound("evaluation run"))
}
