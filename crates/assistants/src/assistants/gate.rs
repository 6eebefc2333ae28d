//! What has to hold before a draft is published: its answers to a question set must not get worse.

use replyx_core::{
    assistant::Assistant,
    evaluation::{QuestionResult, Run},
    ids::RunId,
};
use replyx_knowledge::evaluate::{Comparison, compare, settings_hash};
use replyx_storage::{StorageError, Tx};
use thiserror::Error;

use super::PublishError;

/// The gate of an assistant does not let its draft through.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GateClosed {
    /// There is no run of this very draft, or of the version it is compared with.
    #[error("the gate is closed: {0}")]
    Unmeasured(&'static str),
    /// The draft did worse.
    #[error("the draft does worse: {0}")]
    Regressed(String),
}

/// The run that lets the draft through the gate; `None` where there is no gate. Runs without
/// answers do not count: what is found does not depend on the draft.
pub(super) async fn pass(
    tx: &mut Tx,
    assistant: &Assistant,
) -> Result<Option<RunId>, PublishError> {
    let Some(gate) = &assistant.gate else { return Ok(None) };
    let workspace = assistant.workspace_id;
    let questions = tx.workspace(workspace).question_sets().questions(gate.set_id).await?;

    let of_draft = settings_hash(&assistant.settings, &questions);
    let draft = tx.workspace(workspace).runs().newest_with_answers(gate.set_id, &of_draft).await?;
    let draft = draft.ok_or(GateClosed::Unmeasured(
        "run the question set, with answers, against the draft as it is now",
    ))?;
    let published = tx.workspace(workspace).assistants().published(assistant.id).await?;
    let Some(published) = published else { return Ok(Some(draft.id)) };

    let of_published = settings_hash(&published.settings, &questions);
    let base =
        tx.workspace(workspace).runs().newest_with_answers(gate.set_id, &of_published).await?;
    let base = base
        .ok_or(GateClosed::Unmeasured("run the question set against the published version, too"))?;

    let comparison = compared(tx, &base, &draft, gate.tolerance).await?;
    let worse: Vec<String> = comparison
        .changes
        .iter()
        .filter(|change| change.regressed)
        .map(|change| {
            format!("{} fell from {:.3} to {:.3}", change.measure, change.before, change.after)
        })
        .collect();
    if worse.is_empty() {
        Ok(Some(draft.id))
    } else {
        Err(GateClosed::Regressed(worse.join(", ")).into())
    }
}

async fn compared(
    tx: &mut Tx,
    base: &Run,
    draft: &Run,
    tolerance: f64,
) -> Result<Comparison, StorageError> {
    let base_results = results(tx, base).await?;
    let draft_results = results(tx, draft).await?;
    let before = base.metrics.clone().unwrap_or_default();
    let after = draft.metrics.clone().unwrap_or_default();
    Ok(compare((&before, &base_results), (&after, &draft_results), tolerance))
}

async fn results(tx: &mut Tx, run: &Run) -> Result<Vec<QuestionResult>, StorageError> {
    let results = tx.workspace(run.workspace_id).runs().results(run.id).await?;
    Ok(results.unwrap_or_default())
}
