//! Step 8: reply, costs, events and outbox, in one transaction.
//!
//! The transaction locks the dialog, makes sure that the turn is still ours and that nobody has
//! taken over since it began (`epoch`), and stores the reply with its parts on their way. Whatever
//! of this fails, nothing of it happened. Replies that are settled at the same time share a
//! transaction.

use chrono::{DateTime, Utc};
use replyx_core::{dialog::Dialog, event::LimitBound};
use replyx_storage::{
    StorageError, Tx, retried,
    turns::{Attempts, ClaimedTurn, LateQuestion},
    unit::Outcome,
};

use crate::{Engine, check::Reply, context::Context, delivery, late, payment, usage::Ledger};

mod parts;
mod together;

use together::Settlement;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The reply is stored and on its way.
    Stored,
    /// Somebody took over while the turn ran: the reply is thrown away.
    Discarded,
    /// The turn was taken from us: somebody else answers.
    Lost,
    /// There was nothing to say.
    Silent,
    /// The customer has had as many answers as one gets, and knows it.
    Limited,
}

/// Stores a reply, in a transaction that it may share with other replies (`together`).
pub async fn store(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: &Context,
    reply: Reply,
    ledger: Ledger,
) -> Result<Settled, StorageError> {
    let place = delivery::reserve(engine, context).await;
    let way = if place.is_some() { Departure::Desk } else { Departure::Outbox };
    let settlement = Settlement::new(engine, turn, context, reply, ledger, way);
    let first = settlement.first(context.channel.kind);
    let Outcome { answer, doubted } = engine.db.unit(settlement).await;

    let handed = answer.as_ref().ok().and_then(|(_, handed)| handed.clone());
    if let Some(place) = place {
        match (handed, first) {
            (Some(part), _) => place.begin(part),
            // It may be stored all the same, and then nobody else sends it.
            (None, Some(part)) if doubted => delivery::take_back(engine, &part).await,
            (None, _) => {}
        }
    }
    answer.map(|(settled, _)| settled)
}

/// How the first part of a reply leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Departure {
    /// This process sends it as soon as it is stored.
    Desk,
    /// Whichever process finds it.
    Outbox,
}

/// Ends a turn whose customer has had as many answers as one gets: their words stay unanswered, and
/// the log says so.
pub async fn leave_unanswered(
    engine: &Engine,
    turn: &ClaimedTurn,
    heard: i64,
    bound: LimitBound,
) -> Result<Settled, StorageError> {
    retried(|| leave_unanswered_once(engine, turn, heard, bound)).await
}

async fn leave_unanswered_once(
    engine: &Engine,
    turn: &ClaimedTurn,
    heard: i64,
    bound: LimitBound,
) -> Result<Settled, StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let Some(dialog) = tx.workspace(turn.workspace_id).dialogs().lock(turn.dialog_id).await? else {
        return Ok(Settled::Lost);
    };
    tx.apply(dialog.turn_limited(heard, bound, now)).await?;
    end(engine, tx, turn, &dialog, heard, Settled::Limited, now).await
}

/// Leaves a turn whose question was asked again without an answer until it is asked the next time,
/// and ends it when that would be too late.
pub(crate) async fn wait_longer(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: &Context,
    late: LateQuestion,
    ledger: &Ledger,
) -> Result<Settled, StorageError> {
    retried(|| async {
        let now = engine.clock.now();
        let mut tx = engine.db.begin().await?;
        let dialogs = tx.workspace(turn.workspace_id).dialogs();
        let Some(dialog) = dialogs.lock(turn.dialog_id).await? else { return Ok(Settled::Lost) };
        tx.workspace(turn.workspace_id).model_calls().insert(ledger.calls()).await?;

        let is_awaited = dialog.heard_seq == context.dialog.answered_seq;
        if let Some(next) = late::next(late, now).filter(|_| is_awaited) {
            return wait(engine, tx, turn, next, Settled::Silent).await;
        }
        end(engine, tx, turn, &dialog, dialog.answered_seq, Settled::Silent, now).await
    })
    .await
}

/// Leaves the turn until its question is asked again.
async fn wait(
    engine: &Engine,
    mut tx: Tx,
    turn: &ClaimedTurn,
    (due, late): (DateTime<Utc>, LateQuestion),
    as_what: Settled,
) -> Result<Settled, StorageError> {
    let turns = tx.workspace(turn.workspace_id).turns();
    if !turns.wait(turn.dialog_id, engine.process, due, late).await? {
        return Ok(Settled::Lost);
    }
    payment::release(&mut tx, turn, engine.clock.now()).await?;
    tx.commit().await?;
    Ok(as_what)
}

/// Stores the calls of a turn that could not be settled: they were paid for.
pub async fn account(
    engine: &Engine,
    turn: &ClaimedTurn,
    ledger: &Ledger,
) -> Result<(), StorageError> {
    if ledger.calls().is_empty() {
        return Ok(());
    }
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        tx.workspace(turn.workspace_id).model_calls().insert(ledger.calls()).await?;
        tx.commit().await.map(drop)
    })
    .await
}

/// Ends a turn that has nothing to say.
pub async fn close(
    engine: &Engine,
    turn: &ClaimedTurn,
    heard: i64,
) -> Result<Settled, StorageError> {
    retried(|| close_once(engine, turn, heard)).await
}

async fn close_once(
    engine: &Engine,
    turn: &ClaimedTurn,
    heard: i64,
) -> Result<Settled, StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let Some(dialog) = tx.workspace(turn.workspace_id).dialogs().lock(turn.dialog_id).await? else {
        return Ok(Settled::Lost);
    };
    end(engine, tx, turn, &dialog, heard, Settled::Silent, now).await
}

/// Leaves the turn until the workspace is resumed: until then nobody takes it on.
pub async fn postpone(engine: &Engine, turn: &ClaimedTurn) -> Result<Settled, StorageError> {
    let due = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let turns = tx.workspace(turn.workspace_id).turns();
    // What is answered late stays so.
    let attempts = if turn.late.is_some() { Attempts::Forgive } else { Attempts::Reset };
    if !turns.hand_back(turn.dialog_id, engine.process, due, attempts).await? {
        return Ok(Settled::Lost);
    }
    payment::release(&mut tx, turn, due).await?;
    tx.commit().await?;
    Ok(Settled::Silent)
}

/// Ends the turn, or begins the next one if the customer has said more than `heard` in the
/// meantime.
async fn end(
    engine: &Engine,
    mut tx: Tx,
    turn: &ClaimedTurn,
    dialog: &Dialog,
    heard: i64,
    as_what: Settled,
    now: DateTime<Utc>,
) -> Result<Settled, StorageError> {
    let turns = tx.workspace(turn.workspace_id).turns();
    let ours = if dialog.heard_seq > heard {
        let due = now + engine.settings.window;
        turns.hand_back(turn.dialog_id, engine.process, due, Attempts::Reset).await?
    } else {
        turns.finish(turn.dialog_id, engine.process).await?
    };
    if !ours {
        return Ok(Settled::Lost);
    }
    payment::release(&mut tx, turn, now).await?;
    tx.commit().await?;
    Ok(as_what)
}
