//! What pays for turns, where workspaces pay ([`replyx_billing::turns`]): set aside when a turn is
//! claimed, spent with its reply, given back for a reply that reaches nobody.

use chrono::{DateTime, Utc};
use replyx_billing::{
    Mode,
    charge::Work,
    tokens::{self, TokenNeed},
    turns,
};
use replyx_core::{
    clock::Clock,
    ids::{MessageId, WorkspaceId},
    ledger::{Hold, HoldPurpose, Payment},
    message::{Outcome, PartStatus},
    usage::ModelCall,
};
use replyx_llm::Usage;
use replyx_storage::{Db, StorageError, Tx, retried, turns::ClaimedTurn};

use crate::{Engine, context::AnswerRequest};

/// Sets aside what the answers to claimed turns may cost. The claim lasts with it, or not at all.
pub async fn hold(
    engine: &Engine,
    tx: &mut Tx,
    claimed: &mut [ClaimedTurn],
) -> Result<(), StorageError> {
    if engine.settings.billing == Mode::Off || claimed.is_empty() {
        return Ok(());
    }
    let which: Vec<_> = claimed.iter().map(|turn| (turn.workspace_id, turn.dialog_id)).collect();
    let payments = turns::hold(tx, &which, &engine.clock).await?;
    for turn in claimed {
        turn.payment = payments.get(&turn.dialog_id).copied().unwrap_or_default();
    }
    Ok(())
}

/// Makes available again what was set aside for a turn that ends without a reply. The caller has
/// ended the turn.
pub(crate) async fn release(
    tx: &mut Tx,
    turn: &ClaimedTurn,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let Payment::Held(hold) = turn.payment else { return Ok(()) };
    turns::release(tx, (turn.workspace_id, turn.dialog_id), hold, now).await
}

/// Gives back what was spent for a reply of which no part has arrived, or may still arrive.
pub(crate) async fn give_back(
    tx: &mut Tx,
    billing: Mode,
    (workspace, message): (WorkspaceId, MessageId),
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    if billing == Mode::Off {
        return Ok(());
    }
    let parts = tx.workspace(workspace).outbox().parts(message).await?;
    let is_lost = |status| matches!(status, PartStatus::Canceled | PartStatus::Failed);
    // Where the outcome of a send could not be known, the customer may have read it.
    if parts.iter().all(|part| is_lost(part.status) && part.uncertain == 0) {
        turns::give_back(tx, workspace, message, now).await?;
    }
    Ok(())
}

/// How often a model may be asked for one answer: for the question and the answer, once more for an
/// answer with objections, and for each of them again by another provider.
const ASKED: u64 = 4;
/// A prompt has at most this many tokens beside what it is made of.
const FRAME: u64 = 2_000;

/// Sets aside what answering may cost at most where no customer is answered. `None`: it costs
/// nothing.
///
/// # Errors
///
/// [`Error::Insufficient`](replyx_billing::Error::Insufficient), and
/// [`Error::NoPrice`](replyx_billing::Error::NoPrice) for a model of which nobody knows what it
/// costs.
pub(crate) async fn hold_tokens(
    engine: &Engine,
    ask: &AnswerRequest,
    purpose: HoldPurpose,
) -> replyx_billing::Result<Option<Hold>> {
    if engine.settings.billing == Mode::Off {
        return Ok(None);
    }
    // No text has more tokens than bytes.
    let history = ask.history.iter().map(|said| said.text.len()).sum::<usize>();
    let texts = ask.settings.system_prompt.len() + ask.question.len() + history;
    let passages = engine.settings.passage_tokens + engine.settings.history_tokens;
    let read = u64::try_from(texts + passages).unwrap_or(u64::MAX).saturating_add(FRAME);
    let prompt_tokens = read.saturating_mul(ASKED);
    let completion_tokens = u64::from(engine.settings.answer_tokens).saturating_mul(ASKED);

    let usage = Usage { prompt_tokens, completion_tokens, estimated: true };
    let need = TokenNeed {
        workspace_id: ask.workspace,
        assistant_id: ask.assistant,
        purpose,
        model: ask.model.clone(),
        most: (prompt_tokens, completion_tokens),
        cost: engine.models.prices().of(&ask.model).map(|price| price.of(usage)),
    };
    tokens::hold(&engine.db, &need, &engine.clock).await
}

/// Stores calls of models, and pays for them with what was set aside.
pub(crate) async fn pay(
    (db, clock): (&Db, &Clock),
    workspace: WorkspaceId,
    hold: Option<&Hold>,
    calls: &[ModelCall],
) -> Result<(), StorageError> {
    retried(|| async {
        let mut tx = db.begin().await?;
        tx.workspace(workspace).model_calls().insert(calls).await?;
        if let Some(hold) = hold {
            tokens::settle(&mut tx, hold, calls, clock.now()).await?;
        }
        tx.commit().await.map(drop)
    })
    .await
}

/// What a reply is, as far as it is charged.
pub(crate) const fn work(outcome: Outcome) -> Work {
    match outcome {
        Outcome::Answered => Work::Answered,
        Outcome::Unknown => Work::Unknown,
        Outcome::Fallback => Work::Failed,
        Outcome::Fixed => Work::Fixed,
        Outcome::Limited => Work::Limited,
    }
}
