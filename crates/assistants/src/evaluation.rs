//! How assistants are measured: question sets and their runs.

use replyx_core::{
    actor::Caller,
    change::New,
    evaluation::{Question, QuestionSet},
    ids::{AssistantId, QuestionSetId},
    page::PageRequest,
    rules::assistant::QuestionSetContent,
};
use replyx_knowledge::evaluate;
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::{Cx, Missing, Unacceptable, lock_assistant};

mod run;

pub use run::{Measure, MeasuredSettings, NewRun, start_run};

/// Most sets of an assistant.
const MAX_SETS: usize = 50;
/// Most runs of a set: the oldest that has ended makes room for a new one.
const MAX_RUNS: u32 = 200;
/// Most runs of a set that wait or ask.
const MAX_WAITING: i64 = 20;

/// A question set could not be changed, or no run of it started.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// There is no such set, version or assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It is no longer what the caller has read.
    #[error("the question set has been changed since it was read")]
    Changed,
    /// A value cannot be accepted.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// The assistant has as many sets as it may have.
    #[error("an assistant has at most {MAX_SETS} question sets")]
    TooManySets,
    /// Runs of the set wait already.
    #[error("{MAX_WAITING} runs of this set wait already")]
    TooManyRuns,
    /// The set decides what may be published.
    #[error("the set is the gate of its assistant: take the gate away first")]
    IsGate,
    /// The database failed.
    #[error("the question set could not be changed")]
    Storage(#[from] StorageError),
}

/// Finds a set of the caller's workspace.
async fn find(
    tx: &mut Tx,
    caller: &Caller,
    id: QuestionSetId,
) -> Result<QuestionSet, EvaluationError> {
    let found = tx.workspace(caller.workspace_id).question_sets().find(id).await?;
    Ok(found.ok_or(Missing("question set"))?)
}

/// Refuses questions that cannot be put.
fn check(questions: &[Question]) -> Result<(), Unacceptable> {
    evaluate::check(questions).map_err(|error| Unacceptable::new("questions", error.to_string()))
}

fn size(questions: &[Question]) -> i64 {
    i64::try_from(questions.len()).unwrap_or(i64::MAX)
}

/// Creates a question set for an assistant.
///
/// # Errors
///
/// [`EvaluationError::Unacceptable`] for questions that cannot be put.
pub async fn create_set(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    name: &str,
    questions: &[Question],
) -> Result<QuestionSet, EvaluationError> {
    check(questions)?;
    repeated(|| create_set_once(cx, caller, assistant, name, questions)).await
}

async fn create_set_once(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    name: &str,
    questions: &[Question],
) -> Result<QuestionSet, EvaluationError> {
    let workspace = caller.workspace_id;
    let now = cx.clock.now();
    let mut tx = cx.db.begin().await?;
    lock_assistant::<EvaluationError>(&mut tx, caller, assistant).await?;
    let page = PageRequest::new(Some(200), None);
    let sets = tx.workspace(workspace).question_sets().list(assistant, page).await?;
    if sets.items.len() >= MAX_SETS {
        return Err(EvaluationError::TooManySets);
    }

    let set = QuestionSet {
        id: cx.clock.id(),
        workspace_id: workspace,
        assistant_id: assistant,
        name: name.to_owned(),
        size: size(questions),
        created_at: now,
        updated_at: now,
    };
    let change = set.create(questions, &caller.actor());
    let New(QuestionSetContent { set, .. }) = tx.apply(change).await?;
    tx.commit().await?;
    Ok(set)
}

/// What is to change of a question set. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetChange {
    /// Its display name.
    pub name: Option<String>,
    /// All its questions.
    pub questions: Option<Vec<Question>>,
}

/// Changes a question set, unless `is_as_read` says that it is no longer what the caller has read.
/// Earlier runs do not change.
///
/// # Errors
///
/// [`EvaluationError::Unacceptable`] for questions that cannot be put.
pub async fn update_set(
    cx: Cx<'_>,
    caller: &Caller,
    id: QuestionSetId,
    change: &SetChange,
    is_as_read: impl Fn(&QuestionSet) -> bool,
) -> Result<QuestionSet, EvaluationError> {
    if let Some(questions) = &change.questions {
        check(questions)?;
    }
    repeated(|| update_set_once(cx, caller, id, change, &is_as_read)).await
}

async fn update_set_once(
    cx: Cx<'_>,
    caller: &Caller,
    id: QuestionSetId,
    change: &SetChange,
    is_as_read: &impl Fn(&QuestionSet) -> bool,
) -> Result<QuestionSet, EvaluationError> {
    let mut tx = cx.db.begin().await?;
    let found = tx.workspace(caller.workspace_id).question_sets().lock(id).await?;
    let set = found.ok_or(Missing("question set"))?;
    if !is_as_read(&set) {
        return Err(EvaluationError::Changed);
    }

    let name = change.name.as_deref();
    let questions = change.questions.as_deref();
    let change = set.update(name, questions, &caller.actor(), cx.clock.now());
    let QuestionSetContent { set, .. } = tx.apply(change).await?;
    tx.commit().await?;
    Ok(set)
}

/// Deletes a question set with its runs.
///
/// # Errors
///
/// [`EvaluationError::IsGate`] when it decides what may be published.
pub async fn delete_set(
    cx: Cx<'_>,
    caller: &Caller,
    id: QuestionSetId,
) -> Result<(), EvaluationError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = cx.db.begin().await?;
        // The assistant first, as for who deletes it.
        let found = tx.workspace(workspace).question_sets().find(id).await?;
        let assistant_id = found.ok_or(Missing("question set"))?.assistant_id;
        let assistant = tx.workspace(workspace).assistants().lock(assistant_id).await?;
        let found = tx.workspace(workspace).question_sets().lock(id).await?;
        let set = found.ok_or(Missing("question set"))?;

        let gate = assistant.and_then(|assistant| assistant.gate);
        if gate.is_some_and(|gate| gate.set_id == id) {
            return Err(EvaluationError::IsGate);
        }
        tx.apply(set.delete(&caller.actor(), cx.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
