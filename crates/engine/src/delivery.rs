//! Sends what was settled: in order per chat, within the channels' limits, and never silently lost.
//!
//! [`work`] finds parts that may be sent, asks the limits, claims them, and sends each in a task of
//! its own; [`outcome`] says what is to be written of a send; `record` writes outcomes, several in
//! one transaction. A part is claimed (`sending`) before the request leaves, so that a part found
//! `sending` after a crash is known to be uncertain.

use std::{cmp::Ordering, error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use replyx_channels::{Happening, Pace, Route, SendOutcome};
use replyx_core::ids::ChannelId;
use replyx_live::{Limit, Permit, Rate};
use replyx_storage::{StorageError, outbox::Sendable};
use tokio::{
    sync::{Semaphore, mpsc},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Engine;
use outcome::Outcome;

pub mod outcome;
mod record;

/// How long to sleep at most when nobody rings.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How many parts are claimed in one transaction.
const TOGETHER: usize = 64;
/// Why a part goes back whose claim could not be committed.
const CLAIM_LOST: &str = "the database failed before it was sent";

/// Why a channel cannot speak whose secret was sealed with another key.
const UNOPENED: &str = "its token cannot be opened with this SECRET_KEY";
/// Why a part is given up that was claimed as often as it may be, and never came to an end.
const TOO_OFTEN: &str = "every attempt to send it was interrupted";

/// Sends until stopped, then waits for the sends under way and writes their outcomes.
pub async fn work(engine: Arc<Engine>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(engine.settings.sends));
    let (outcomes, arrivals) = mpsc::channel(engine.settings.sends);
    let recorder = tokio::spawn(record::work(Arc::clone(&engine), arrivals));
    let under_way = TaskTracker::new();
    let mut last_round = false;
    while !last_round {
        // What was settled just before the stop still goes out.
        last_round = stop.is_cancelled();
        let now = engine.clock.now();
        let room = free.available_permits().min(TOGETHER);
        let Claimed { parts, more } = match claim(&engine, now, room).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "could not claim sends");
                tokio::select! {
                    () = sleep(LONGEST_SLEEP) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
        };
        let idle = parts.is_empty() && !more;
        for part in parts {
            let engine = Arc::clone(&engine);
            let outcomes = outcomes.clone();
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
            under_way.spawn(async move {
                let sent = AssertUnwindSafe(send(&engine, &part)).catch_unwind().await;
                let outcome = sent.unwrap_or_else(|_| outcome::of_panic(&part));
                drop(permit);
                let _ = outcomes.send((part, outcome)).await;
            });
        }
        if idle && !last_round {
            let nap = nap(&engine, now).await;
            tokio::select! {
                () = engine.bell.outbox(nap) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    under_way.close();
    under_way.wait().await;
    drop(outcomes);
    let _ = recorder.await;
}

/// Parts that are ours to send.
#[derive(Default)]
struct Claimed {
    parts: Vec<Sendable>,
    /// There may be more that could be sent now.
    more: bool,
}

/// The order in which rows of the outbox are written: two transactions must not wait for each other
/// in a circle.
fn in_order(one: &Sendable, other: &Sendable) -> Ordering {
    let place = |part: &Sendable| (part.workspace_id, part.channel_id);
    place(one).cmp(&place(other)).then_with(|| one.address.cmp(&other.address))
}

/// Claims parts that may be sent now. Those that a limit holds back are put off until it lets them
/// through.
async fn claim(engine: &Engine, now: DateTime<Utc>, room: usize) -> Result<Claimed, StorageError> {
    let limit = u32::try_from(room).unwrap_or_default();
    if limit == 0 {
        return Ok(Claimed::default());
    }
    let found = engine.db.read().await?.system().outbox().sendable(now, limit).await?;
    if found.is_empty() {
        return Ok(Claimed::default());
    }
    // Parts that are held back must not hide others behind them.
    let more = found.len() == room;
    let permits = permits(engine, &found).await;

    let mut tx = engine.db.begin().await?;
    let mut claimed = Vec::with_capacity(found.len());
    let mut found: Vec<_> = found.into_iter().zip(permits).collect();
    found.sort_by(|(one, _), (other, _)| in_order(one, other));
    for (part, permit) in found {
        match permit {
            Permit::Granted => {
                if tx.system().outbox().claim(&part, engine.process, now).await? {
                    claimed.push(part);
                }
            }
            Permit::Wait(wait) => {
                engine.channels.of(part.channel_kind).count(Happening::Waited);
                tx.system().outbox().put_off(&part, now + wait).await?;
            }
        }
    }
    if let Err(error) = tx.commit().await {
        unclaim(engine, &claimed).await;
        return Err(error);
    }
    Ok(Claimed { parts: claimed, more })
}

/// Puts parts back whose claim could not be committed, as far as we know: if it was, they are ours,
/// nobody else takes them, and certainly none of them was sent.
async fn unclaim(engine: &Engine, parts: &[Sendable]) {
    loop {
        let put_back = async {
            let now = engine.clock.now();
            let mut tx = engine.db.begin().await?;
            for part in parts {
                let outbox = tx.workspace(part.workspace_id).outbox();
                outbox.put_back(part.id, engine.process, now, CLAIM_LOST, false).await?;
            }
            tx.commit().await
        };
        match put_back.await {
            Ok(_) => return,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn Error,
                    "could not return parts to the outbox"
                );
                sleep(LONGEST_SLEEP).await;
            }
        }
    }
}

async fn send(engine: &Engine, part: &Sendable) -> Outcome {
    if u32::try_from(part.uncertain).unwrap_or(u32::MAX) >= engine.settings.send_backoff.attempts {
        // Whatever has ended so many processes must not end this one, too.
        return Outcome::Failed { error: TOO_OFTEN.to_owned(), uncertain: true };
    }
    let secret = match &part.secret_sealed {
        None => None,
        Some(sealed) => match engine.keys.open(sealed, part.channel_id.into_uuid().as_bytes()) {
            Ok(secret) => Some(secret),
            Err(_) => return Outcome::ChannelFailed(UNOPENED.to_owned()),
        },
    };
    let route = Route { secret: secret.as_ref(), address: &part.address };
    let sent = engine.channels.of(part.channel_kind).send(route, &part.content).await;
    if let SendOutcome::TooFast { retry_after, .. } = &sent {
        pause(engine, part, *retry_after).await;
    }
    outcome::of(engine, part, sent)
}

/// Obeys a 429. It does not say whether the chat or the whole bot was too fast: the first one stops
/// the chat, and another chat's within the same time stops the bot. Other bots go on.
async fn pause(engine: &Engine, part: &Sendable, retry_after: Duration) {
    engine.live.pause(&chat_key(part), retry_after).await;
    let first = Limit {
        key: format!("flood:{}", part.channel_id),
        rate: Rate { per: retry_after, count: 1, burst: 1 },
    };
    if engine.live.take(&[first]).await != Permit::Granted {
        engine.live.pause(&channel_key(part.channel_id), retry_after).await;
    }
}

/// What the limits say to each part. What has no limits is not asked about.
async fn permits(engine: &Engine, parts: &[Sendable]) -> Vec<Permit> {
    let wanted: Vec<Vec<Limit>> = parts.iter().map(|part| limits(engine, part)).collect();
    let asked: Vec<&[Limit]> =
        wanted.iter().map(Vec::as_slice).filter(|limits| !limits.is_empty()).collect();
    let mut answers = Vec::new().into_iter();
    if !asked.is_empty() {
        answers = engine.live.take_many(&asked).await.into_iter();
    }

    let permit = |limits: &Vec<Limit>| {
        if limits.is_empty() { Permit::Granted } else { answers.next().unwrap_or(Permit::Granted) }
    };
    wanted.iter().map(permit).collect()
}

fn limits(engine: &Engine, part: &Sendable) -> Vec<Limit> {
    let paces = engine.channels.of(part.channel_kind).paces(part.chat_kind);
    let chat = paces.chat.map(|pace| Limit { key: chat_key(part), rate: rate(pace) });
    let channel =
        paces.channel.map(|pace| Limit { key: channel_key(part.channel_id), rate: rate(pace) });
    chat.into_iter().chain(channel).collect()
}

const fn rate(Pace { per, count, burst }: Pace) -> Rate {
    Rate { per, count, burst }
}

fn channel_key(channel: ChannelId) -> String {
    format!("send:{channel}")
}

fn chat_key(part: &Sendable) -> String {
    format!("send:{}:{}", part.channel_id, part.address)
}

/// How long nothing will be due that was not due at `looked`, when we looked last.
async fn nap(engine: &Engine, looked: DateTime<Utc>) -> Duration {
    let due = async { engine.db.read().await?.system().outbox().next_due(looked).await }.await;
    match due {
        Ok(Some(due)) => (due - engine.clock.now())
            .to_std()
            .unwrap_or(Duration::from_millis(5))
            .clamp(Duration::from_millis(5), LONGEST_SLEEP),
        _ => LONGEST_SLEEP,
    }
}
