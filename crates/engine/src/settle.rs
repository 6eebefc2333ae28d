//! Step 8: reply, costs, events and outbox, in one transaction.
//!
//! The transaction locks the dialog, makes sure that the turn is still ours and that nobody has
//! taken over since it began (`epoch`), and stores the reply with its parts on their way. Whatever
//! of this fails, nothing of it happened.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{ChannelKind, Outbound},
    dialog::{Control, Dialog},
    event::LimitBound,
    ids::OutboxId,
    rules::dialog::{self as rules, Then, Utterance},
};
use replyx_storage::{
    StorageError, Tx,
    channels::Access,
    outbox::{NewParts, Sendable},
    retried,
    turns::{Attempts, ClaimedTurn},
};

use crate::{Engine, check::Reply, context::Context, control, delivery, usage::Ledger};

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

/// Stores a reply.
pub async fn store(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: &Context,
    reply: Reply,
    ledger: Ledger,
) -> Result<Settled, StorageError> {
    let place = delivery::reserve(engine, context).await;
    let way = if place.is_some() { Way::Desk } else { Way::Outbox };
    let store = || store_once(engine, turn, context, reply.clone(), ledger.clone(), way);
    let (settled, handed) = retried(store).await?;

    if let Some((place, part)) = place.zip(handed) {
        place.begin(part);
    }
    Ok(settled)
}

/// How the first part of a reply leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// This process sends it as soon as it is stored.
    Desk,
    /// Whichever process finds it.
    Outbox,
}

async fn store_once(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: &Context,
    reply: Reply,
    ledger: Ledger,
    way: Way,
) -> Result<(Settled, Option<Sendable>), StorageError> {
    let now = engine.clock.now();
    let workspace = turn.workspace_id;
    let begun = &context.dialog;
    let parts = parts(engine, context.channel.kind, &reply.text);

    let mut tx = engine.db.begin().await?;
    let Some(dialog) = tx.workspace(workspace).dialogs().lock(turn.dialog_id).await? else {
        return Ok((Settled::Lost, None));
    };
    if !dialog.may_settle(begun.epoch) {
        // Nobody sees the answer; it was paid for all the same.
        tx.workspace(workspace).model_calls().insert(ledger.calls()).await?;
        tx.apply(dialog.turn_discarded(begun.epoch, now)).await?;
        // Handed back in the meantime: what nobody has answered is answered again.
        let handled =
            if dialog.control == Control::Ai { dialog.answered_seq } else { dialog.heard_seq };
        let settled = end(engine, tx, turn, &dialog, handled, Settled::Discarded, now).await?;
        return Ok((settled, None));
    }
    if dialog.answered_seq != begun.answered_seq {
        return Ok((Settled::Lost, None));
    }
    let Some(access) = tx.workspace(workspace).channels().access(dialog.channel_id).await? else {
        // Deleted in the meantime: nothing leaves through it any more. What was asked was paid for.
        tx.workspace(workspace).model_calls().insert(ledger.calls()).await?;
        let settled = end(engine, tx, turn, &dialog, i64::MAX, Settled::Silent, now).await?;
        return Ok((settled, None));
    };
    let limited = reply.limited;
    if let Some(act) = reply.meta.act {
        let messages = tx.workspace(workspace).messages();
        messages.tell_act(dialog.id, begun.answered_seq, begun.heard_seq, act).await?;
    }
    let said = rules::Reply {
        id: engine.clock.id(),
        text: reply.text,
        answer: reply.meta,
        answers: limited.is_none().then_some(begun.heard_seq),
        then: reply
            .hand_off
            .map_or(Then::GoOn, |reason| Then::HandOff { reason, message_id: engine.clock.id() }),
    };
    let Ok(change) = dialog.reply(said, now) else { return Ok((Settled::Lost, None)) };
    count(&mut tx, context, limited, now).await?;
    let Utterance { dialog, message, .. } = tx.apply(change).await?;
    if dialog.control != Control::Ai {
        // This reply says that a human will answer; no other one is to follow it.
        control::cancel(&mut tx, &dialog, &context.contact, now).await?;
    }

    tx.workspace(workspace).model_calls().insert(&ledger.of_message(message.id)).await?;
    let contact = &context.contact;
    let new = NewParts { dialog: &dialog, contact, message: message.id, parts: &parts };
    let handed = queue(engine, &mut tx, new, access, way).await?;
    let ended = end(engine, tx, turn, &dialog, begun.heard_seq, Settled::Stored, now).await;
    if let (Err(_), Some(part)) = (&ended, &handed) {
        // It may be stored all the same, and then nobody else sends it.
        delivery::take_back(engine, part).await;
    }
    let settled = ended?;
    Ok((settled, handed.filter(|_| settled == Settled::Stored)))
}

/// Queues the parts of a reply. The first is returned when it is this process's to send.
async fn queue(
    engine: &Engine,
    tx: &mut Tx,
    new: NewParts<'_>,
    access: Access,
    way: Way,
) -> Result<Option<Sendable>, StorageError> {
    let now = engine.clock.now();
    let outbox = tx.workspace(new.dialog.workspace_id).outbox();
    if way == Way::Outbox || !delivery::speaks(&access.channel) {
        outbox.enqueue(new.dialog, new.contact, new.message, new.parts, now).await?;
        return Ok(None);
    }
    if !outbox.hand_over(new, engine.process, now).await? {
        return Ok(None);
    }
    Ok(new.first(access.channel.kind, access.secret_sealed))
}

/// Counts an answer to the customer, or notes of which bound they are told instead.
async fn count(
    tx: &mut Tx,
    context: &Context,
    limited: Option<LimitBound>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let dialog = &context.dialog;
    let workspace = dialog.workspace_id;
    let contacts = tx.workspace(workspace).contacts();
    let Some(bound) = limited else {
        return contacts.answered(context.contact.id, now.date_naive()).await;
    };
    contacts.told(context.contact.id, now.date_naive(), bound, now).await?;
    tx.apply(dialog.turn_limited(dialog.heard_seq, bound, now)).await?;
    Ok(())
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
    if !turns.hand_back(turn.dialog_id, engine.process, due, Attempts::Reset).await? {
        return Ok(Settled::Lost);
    }
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
    tx.commit().await?;
    Ok(as_what)
}

fn parts(engine: &Engine, channel: ChannelKind, text: &str) -> Vec<(OutboxId, Outbound)> {
    let parts = engine.channels.of(channel).render(text);
    parts.into_iter().map(|part| (engine.clock.id(), part)).collect()
}
