//! An answer that no customer sees: what a turn would say, by the draft or a published version, and
//! why.
//!
//! [`run`] shows every step as it happens; [`answer_once`] is for callers that want only the
//! result, such as an evaluation. Both take the steps of [`turn::answer`]; nothing is said to
//! anybody, and only the costs are stored.

use std::{error::Error, mem};

use replyx_billing::Result;
use replyx_core::{
    assistant::AssistantSettings,
    ids::{AssistantId, WorkspaceId},
    ledger::{Hold, HoldPurpose},
    usage::Purpose,
};
use replyx_storage::StorageError;
use tokio::time::Instant;

use crate::{
    Engine,
    context::{self, AnswerRequest, EarlierMessage},
    payment, speech,
    turn::{self, Answered, Step},
    usage::{Ledger, millis},
};

/// What is to be previewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewRequest {
    /// The customer's words.
    pub text: String,
    /// What was said before, oldest first; the number of a message is its place.
    pub history: Vec<EarlierMessage>,
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
/// [`Insufficient`](replyx_billing::Error::Insufficient) when the workspace pays and has not
/// enough. A model that gives no answer is an apology, not an error.
pub async fn run(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    request: PreviewRequest,
    show: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Option<Answered>> {
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
    let answered = answer(engine, &ask, HoldPurpose::Preview, show).await?;
    Ok(Some(answered))
}

/// Answers one question by these settings, and stores what it cost as an evaluation.
///
/// # Errors
///
/// As [`run`].
pub async fn answer_once(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    settings: &AssistantSettings,
    question: &str,
) -> Result<Answered> {
    let settings = settings.clone();
    let question = question.to_owned();
    let ask = ask(engine, workspace, assistant, settings, question, Purpose::Evaluation);
    let ask = under_policy(engine, ask).await?;
    answer(engine, &ask, HoldPurpose::Evaluation, &mut |_| {}).await
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
    purpose: HoldPurpose,
    show: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Answered> {
    let begun = Instant::now();
    let hold = payment::hold_tokens(engine, ask, purpose).await?;
    let mut paid = Paid { engine, workspace: ask.workspace, hold, ledger: Ledger::default() };
    let mut answered = turn::answer(engine, ask, &mut paid.ledger, show).await?;
    answered.reply.meta.duration_ms = millis(begun.elapsed());

    let hold = paid.hold.take();
    let calls = answered.ledger.calls();
    payment::pay((&engine.db, &engine.clock), ask.workspace, hold.as_ref(), calls).await?;
    Ok(answered)
}

/// What has been paid for an answer that may be dropped before it is there: it is stored all the
/// same, and paid from what was set aside.
struct Paid<'e> {
    engine: &'e Engine,
    workspace: WorkspaceId,
    hold: Option<Hold>,
    ledger: Ledger,
}

impl Drop for Paid<'_> {
    fn drop(&mut self) {
        if self.ledger.calls().is_empty() && self.hold.is_none() {
            return;
        }
        let db = self.engine.db.clone();
        let clock = self.engine.clock.clone();
        let workspace = self.workspace;
        let hold = self.hold.take();
        let ledger = mem::take(&mut self.ledger);
        tokio::spawn(async move {
            let by = (&db, &clock);
            let paid = payment::pay(by, workspace, hold.as_ref(), ledger.calls());
            if let Err(error) = paid.await {
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
