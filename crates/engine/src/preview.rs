//! An answer that no customer sees: what a turn would say, by the draft or a published version, and
//! why.
//!
//! [`run`] shows every step as it happens; [`answer_once`] is for callers that want only the
//! result, such as an evaluation. Both take the steps of [`turn::answer`]; nothing is said to
//! anybody, and only the costs are stored.

use std::{error::Error, mem};

use replyx_core::{
    assistant::AssistantSettings,
    ids::{AssistantId, WorkspaceId},
    usage::Purpose,
};
use replyx_storage::StorageError;
use tokio::time::Instant;

use crate::{
    Engine,
    context::{self, AnswerRequest, Said},
    speech,
    turn::{self, Answered, Step},
    usage::{Ledger, millis},
};

/// What is to be previewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewRequest {
    /// The customer's words.
    pub text: String,
    /// What was said before, oldest first; the number of a message is its place.
    pub history: Vec<Said>,
    /// By which settings to answer.
    pub version: PreviewVersion,
}

/// Which settings of an assistant answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreviewVersion {
    /// Those that are being worked on.
    #[default]
    Draft,
    /// Those that answer customers.
    Published,
    /// Those of a version.
    Number(i64),
}

/// Answers as the assistant would, and stores what it cost. `None`: there is no such assistant or
/// version.
///
/// # Errors
///
/// A model that gives no answer is an apology, not an error.
pub async fn run(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    request: PreviewRequest,
    show: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Option<Answered>, StorageError> {
    let found = settings(engine, workspace, assistant, request.version).await?;
    let Some((settings, version)) = found else { return Ok(None) };
    let language =
        speech::language(&request.text, context::customers(&request.history), settings.language);
    let ask = AnswerRequest {
        language,
        history: request.history,
        version,
        ..ask(engine, workspace, assistant, settings, request.text, Purpose::Preview)
    };
    let ask = under_policy(engine, ask).await?;
    let answered = answer(engine, &ask, show).await?;
    Ok(Some(answered))
}

/// Answers one question by these settings, and stores what it cost as an evaluation.
///
/// # Errors
///
/// A model that gives no answer is an apology, not an error.
pub async fn answer_once(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    settings: &AssistantSettings,
    question: &str,
) -> Result<Answered, StorageError> {
    let settings = settings.clone();
    let question = question.to_owned();
    let ask = ask(engine, workspace, assistant, settings, question, Purpose::Evaluation);
    let ask = under_policy(engine, ask).await?;
    answer(engine, &ask, &mut |_| {}).await
}

/// The same, answered with the models that the workspace may use.
async fn under_policy(engine: &Engine, ask: AnswerRequest) -> Result<AnswerRequest, StorageError> {
    let mut tx = engine.db.read().await?;
    let policy = tx.system().workspaces().model_policy(ask.workspace).await?;
    Ok(ask.restricted(&engine.models, policy.unwrap_or_default().allowed))
}

async fn answer(
    engine: &Engine,
    ask: &AnswerRequest,
    show: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Answered, StorageError> {
    let begun = Instant::now();
    let mut paid = Paid { engine, workspace: ask.workspace, ledger: Ledger::default() };
    let mut answered = turn::answer(engine, ask, &mut paid.ledger, show).await?;
    answered.reply.meta.duration_ms = millis(begun.elapsed());
    let mut tx = engine.db.begin().await?;
    tx.workspace(ask.workspace).model_calls().insert(answered.ledger.calls()).await?;
    tx.commit().await?;
    Ok(answered)
}

/// What has been paid for an answer that may be dropped before it is there: it is stored all the
/// same.
struct Paid<'e> {
    engine: &'e Engine,
    workspace: WorkspaceId,
    ledger: Ledger,
}

impl Drop for Paid<'_> {
    fn drop(&mut self) {
        if self.ledger.calls().is_empty() {
            return;
        }
        let db = self.engine.db.clone();
        let workspace = self.workspace;
        let ledger = mem::take(&mut self.ledger);
        tokio::spawn(async move {
            let stored = async {
                let mut tx = db.begin().await?;
                tx.workspace(workspace).model_calls().insert(ledger.calls()).await?;
                tx.commit().await
            };
            if let Err(error) = stored.await {
                let error = &error as &dyn Error;
                tracing::warn!(error, "costs of a cancelled preview are lost");
            }
        });
    }
}

fn ask(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    settings: AssistantSettings,
    question: String,
    purpose: Purpose,
) -> AnswerRequest {
    AnswerRequest {
        language: speech::language(&question, std::iter::empty(), settings.language),
        declined: 0,
        offered: false,
        workspace,
        assistant,
        model: engine.models.resolve(settings.model.as_deref()).to_owned(),
        allowed: None,
        settings,
        version: None,
        knowledge: None,
        question,
        history: Vec::new(),
        summary: None,
        now: engine.clock.now(),
        dialog: None,
        instead: Some(purpose),
    }
}

async fn settings(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    which: PreviewVersion,
) -> Result<Option<(AssistantSettings, Option<i64>)>, StorageError> {
    let mut tx = engine.db.read().await?;
    let assistants = tx.workspace(workspace).assistants();
    let version = match which {
        PreviewVersion::Draft => {
            let draft = assistants.find(assistant).await?;
            return Ok(draft.map(|draft| (draft.settings, None)));
        }
        PreviewVersion::Published => assistants.published(assistant).await?,
        PreviewVersion::Number(number) => assistants.version(assistant, number).await?,
    };
    Ok(version.map(|version| (version.settings, Some(version.number))))
}
