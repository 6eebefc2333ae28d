//! Measuring an assistant by a question set, in the background.

use replyx_core::{
    actor::Caller,
    assistant::{Assistant, AssistantSettings},
    change::New,
    evaluation::{QuestionSet, Run, RunStatus},
    ids::QuestionSetId,
};
use replyx_knowledge::evaluate::{Evaluate, settings_hash};
use replyx_storage::{Tx, repeated};

use super::{EvaluationError, MAX_RUNS, MAX_WAITING, find};
use crate::{Cx, Missing, permitted::Permitted};

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// By which settings.
    pub subject: MeasuredSettings,
    /// Search alone, or answers, too.
    pub measure: Measure,
}

/// By which settings an assistant is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredSettings {
    /// Those of its draft.
    Draft,
    /// Those of a published version.
    Version(i64),
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What is found.
    Search,
    /// What is found and what is answered, which may cost money.
    SearchAndAnswers,
}

/// Queues a run of a question set.
///
/// # Errors
///
/// [`EvaluationError::Unacceptable`] when answers are asked for and the settings name a model that
/// may not be used.
pub async fn start_run(
    cx: Cx<'_>,
    caller: &Caller,
    id: QuestionSetId,
    new: NewRun,
) -> Result<Run, EvaluationError> {
    repeated(|| start_run_once(cx, caller, id, new)).await
}

async fn start_run_once(
    cx: Cx<'_>,
    caller: &Caller,
    id: QuestionSetId,
    new: NewRun,
) -> Result<Run, EvaluationError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    let set = find(&mut tx, caller, id).await?;
    let questions = tx.workspace(workspace).question_sets().questions(id).await?;
    let found = tx.workspace(workspace).assistants().lock(set.assistant_id).await?;
    let assistant = found.ok_or(Missing("assistant"))?;
    let settings = settings(&mut tx, assistant, new.subject).await?;
    if new.measure == Measure::SearchAndAnswers {
        Permitted::of(cx.models, &mut tx, workspace).await?.check(&settings)?;
    }
    if tx.workspace(workspace).runs().unfinished(id).await? >= MAX_WAITING {
        return Err(EvaluationError::TooManyRuns);
    }

    let run = queued(cx, &set, new, settings_hash(&settings, &questions));
    let New(run) = tx.apply(run.start(&caller.actor())).await?;
    tx.workspace(workspace).runs().prune(id, MAX_RUNS).await?;
    let now = run.created_at;
    let job = Evaluate { workspace_id: workspace, run_id: run.id };
    let payload = serde_json::to_value(job).expect("two ids are JSON");
    tx.workspace(workspace).jobs().enqueue(cx.clock.id(), Evaluate::KIND, &payload, now).await?;
    tx.commit().await?;
    Ok(run)
}

async fn settings(
    tx: &mut Tx,
    assistant: Assistant,
    subject: MeasuredSettings,
) -> Result<AssistantSettings, EvaluationError> {
    let MeasuredSettings::Version(number) = subject else { return Ok(assistant.settings) };
    let assistants = tx.workspace(assistant.workspace_id).assistants();
    let found = assistants.version(assistant.id, number).await?;
    Ok(found.ok_or(Missing("version"))?.settings)
}

fn queued(cx: Cx<'_>, set: &QuestionSet, new: NewRun, settings_hash: String) -> Run {
    Run {
        id: cx.clock.id(),
        workspace_id: set.workspace_id,
        set_id: set.id,
        assistant_id: set.assistant_id,
        version: match new.subject {
            MeasuredSettings::Draft => None,
            MeasuredSettings::Version(number) => Some(number),
        },
        settings_hash,
        answers: new.measure == Measure::SearchAndAnswers,
        status: RunStatus::Queued,
        done: 0,
        total: set.size,
        metrics: None,
        error: None,
        created_at: cx.clock.now(),
        finished_at: None,
    }
}
