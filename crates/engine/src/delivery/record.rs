//! Writes outcomes of sends, as many in one transaction as have arrived.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use replyx_billing::Mode;
use replyx_channels::ChannelEvent;
use replyx_core::{
    channel::Address,
    ids::{MessageId, OutboxId, WorkspaceId},
    rules::message::SentReply,
};
use replyx_storage::{
    StorageError, Tx,
    contacts::Followed,
    outbox::{Sendable, SentPart},
    until_stored,
};
use tokio::sync::mpsc;

use super::{Outcome, in_order};
use crate::{Engine, payment};

/// How many outcomes share a transaction.
const TOGETHER: usize = 64;

/// Writes until the last sender is gone. An outcome is known to nobody else, so writing is tried
/// for as long as the process lives; if it dies first, the part is uncertain.
pub(super) async fn work(engine: Arc<Engine>, mut arrivals: mpsc::Receiver<(Sendable, Outcome)>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    while arrivals.recv_many(&mut batch, TOGETHER).await > 0 {
        batch.sort_by(|(one, _), (other, _)| in_order(one, other));
        until_stored("record outcomes of sends", || write(&engine, &batch)).await;
        batch.clear();
    }
}

async fn write(engine: &Engine, batch: &[(Sendable, Outcome)]) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    // First: who deletes a channel locks it before its parts, and intake locks a contact before
    // what goes to it.
    for (part, outcome) in batch {
        if let Outcome::ChannelFailed(error) = outcome {
            fail_channel(&mut tx, part, error, now).await?;
        }
    }
    for (part, outcome) in batch {
        if let Outcome::Moved(to) = outcome {
            follow(engine, &mut tx, part, to, now).await?;
        }
    }
    write_sent(engine, &mut tx, batch, now).await?;
    for (part, outcome) in batch {
        write_one(engine, &mut tx, part, outcome, now).await?;
    }
    // Last, and in the order of the workspaces: balances are locked.
    let given_up = batch.iter().filter(|(_, outcome)| may_fail(outcome));
    let replies: BTreeSet<_> = given_up.map(of).collect();
    for reply in replies {
        payment::give_back(&mut tx, engine.settings.billing, reply, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The reply of a part.
const fn of((part, _): &(Sendable, Outcome)) -> (WorkspaceId, MessageId) {
    (part.workspace_id, part.message_id)
}

/// May a part with this outcome have been given up?
const fn may_fail(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { .. } | Outcome::Blocked(_) | Outcome::Moved(_))
}

async fn write_one(
    engine: &Engine,
    tx: &mut Tx,
    part: &Sendable,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let workspace = part.workspace_id;
    let by = engine.process;
    match outcome {
        Outcome::Again { after, error } => {
            let outbox = tx.workspace(workspace).outbox();
            outbox.put_back(part, by, now + *after, error, false).await?;
        }
        Outcome::Uncertain { after, error } => {
            engine.channels.of(part.channel_kind).count(ChannelEvent::Doubted);
            let outbox = tx.workspace(workspace).outbox();
            outbox.put_back(part, by, now + *after, error, true).await?;
        }
        Outcome::Failed { error, uncertain } => {
            if *uncertain {
                engine.channels.of(part.channel_kind).count(ChannelEvent::Doubted);
            }
            fail(engine, tx, part, error, *uncertain, now).await?;
        }
        Outcome::Blocked(error) => {
            block(tx, part, now).await?;
            fail(engine, tx, part, error, false, now).await?;
        }
        // Done before the others.
        Outcome::Sent(_) | Outcome::Moved(_) => {}
        Outcome::ChannelFailed(error) => {
            let outbox = tx.workspace(workspace).outbox();
            outbox.put_back(part, by, now, error, false).await?;
        }
    }
    Ok(())
}

/// Sends a part to the chat that its group has moved to, with whatever else waits for that chat. It
/// follows once: a second move is an error of the channel's, and would go on forever.
async fn follow(
    engine: &Engine,
    tx: &mut Tx,
    part: &Sendable,
    to: &Address,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let workspace = part.workspace_id;
    let channel = engine.channels.of(part.channel_kind);
    let from = &channel.chat(&part.address);
    let error = format!("the group has moved to chat `{to}`");
    if to == from || tx.workspace(workspace).outbox().has_followed(part.id).await? {
        return fail(engine, tx, part, &error, false, now).await;
    }
    let followed = tx.workspace(workspace).contacts().follow(part.channel_id, from, to).await?;
    for Followed { from, to, contact } in &followed {
        let outbox = tx.workspace(workspace).outbox();
        outbox.follow(part.channel_id, from, to, Some(*contact)).await?;
    }
    // Its contact may have moved before, and this part may have been left behind.
    if let Some(moved) = part.address.moved(from, to) {
        let outbox = tx.workspace(workspace).outbox();
        outbox.follow(part.channel_id, &part.address, &moved, None).await?;
    }
    let outbox = tx.workspace(workspace).outbox();
    outbox.put_back(part, engine.process, now, &error, false).await?;
    channel.count(ChannelEvent::Followed);
    Ok(())
}

async fn fail_channel(
    tx: &mut Tx,
    part: &Sendable,
    error: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let workspace = part.workspace_id;
    let locked = tx.workspace(workspace).channels().lock(part.channel_id).await?;
    let Some(Ok(change)) = locked.map(|channel| channel.fail(error, now)) else { return Ok(()) };
    if has_secret(tx, part).await? {
        tx.apply(change).await?;
    }
    Ok(())
}

/// Does the channel still have the secret that was refused? Its owner may have shown a newer one
/// in the meantime.
async fn has_secret(tx: &mut Tx, part: &Sendable) -> Result<bool, StorageError> {
    let channels = tx.workspace(part.workspace_id).channels();
    let found = channels.access(part.channel_id).await?;
    Ok(found.is_some_and(|found| found.secret_sealed == part.secret_sealed))
}

/// The contact does not want to hear from us any more.
async fn block(tx: &mut Tx, part: &Sendable, now: DateTime<Utc>) -> Result<(), StorageError> {
    let contact = tx.workspace(part.workspace_id).contacts().lock(part.contact_id).await?;
    if let Some(change) = contact.and_then(|contact| contact.block(now)) {
        tx.apply(change).await?;
    }
    Ok(())
}

/// The reply that a part belongs to.
const fn reply(part: &Sendable) -> SentReply {
    SentReply {
        workspace_id: part.workspace_id,
        dialog_id: part.dialog_id,
        message_id: part.message_id,
    }
}

/// Writes all that was sent.
async fn write_sent(
    engine: &Engine,
    tx: &mut Tx,
    batch: &[(Sendable, Outcome)],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let sent = batch.iter().filter_map(|(part, outcome)| match outcome {
        Outcome::Sent(message) => Some((part, message.as_ref())),
        _ => None,
    });
    let parts: Vec<_> = sent
        .clone()
        .map(|(part, channel_message)| SentPart {
            workspace_id: part.workspace_id,
            id: part.id,
            channel_message,
        })
        .collect();
    let ours = tx.system().outbox().sent(&parts, engine.process, now).await?;
    let ours: HashSet<OutboxId> = ours.into_iter().collect();

    let mut delivered = Vec::new();
    for (part, _) in sent.filter(|(part, _)| ours.contains(&part.id) && part.part == part.parts) {
        let uncertain = if part.parts == 1 {
            part.uncertain
        } else {
            let outbox = tx.workspace(part.workspace_id).outbox();
            outbox.uncertain(part.message_id).await?
        };
        delivered.push(reply(part).delivered(uncertain, now));
    }
    let delivered = tx.apply_each(delivered).await?;
    let count = u64::try_from(delivered.len()).unwrap_or(u64::MAX);
    metrics::counter!("deliveries_total", "outcome" => "delivered").increment(count);
    Ok(())
}

/// Gives up a part of a reply that must not be sent any more. `false`: another process was quicker.
pub(super) async fn cancel(
    tx: &mut Tx,
    billing: Mode,
    part: &Sendable,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    if !tx.system().outbox().cancel(part, now).await? {
        return Ok(false);
    }
    if !was_canceled(tx, part).await? {
        tx.apply(reply(part).canceled(now)).await?;
        metrics::counter!("deliveries_total", "outcome" => "canceled").increment(1);
    }
    payment::give_back(tx, billing, (part.workspace_id, part.message_id), now).await?;
    Ok(true)
}

/// Was the reply canceled while this part of it was on its way? Then that is what became of it,
/// and was told when it happened.
async fn was_canceled(tx: &mut Tx, part: &Sendable) -> Result<bool, StorageError> {
    if part.parts == 1 {
        return Ok(false);
    }
    let outbox = tx.workspace(part.workspace_id).outbox();
    outbox.is_canceled_beside(part.message_id, part.id).await
}

async fn fail(
    engine: &Engine,
    tx: &mut Tx,
    part: &Sendable,
    error: &str,
    uncertain: bool,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let workspace = part.workspace_id;
    let outbox = tx.workspace(workspace).outbox();
    if !outbox.failed(part, engine.process, error, uncertain, now).await? {
        return Ok(());
    }
    if was_canceled(tx, part).await? {
        return Ok(());
    }
    tx.apply(reply(part).failed(error.to_owned(), now)).await?;
    metrics::counter!("deliveries_total", "outcome" => "failed").increment(1);
    Ok(())
}
