//! Sends what was settled: in order per chat, within the channels' limits, and never silently lost.
//!
//! [`work`] finds parts that may be sent, asks the limits, claims them, and sends each in a task of
//! its own; [`outcome`] says what is to be written of a send; `record` writes outcomes, several in
//! one transaction. A part is claimed (`sending`) before the request leaves, so that a part found
//! `sending` after a crash is known to be uncertain.

use std::{cmp::Ordering, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use replyx_channels::{ChannelEvent, Pace, Paces, Route, SendOutcome};
use replyx_core::{
    channel::{Address, Outbound},
    ids::ChannelId,
};
use replyx_live::{Limit, Permit, Rate};
use replyx_storage::{Db, StorageError, Tx, fair::Round, outbox::Sendable};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Engine,
    claims::{self, AtStop, ClaimResult, FreePlaces, Queue, Room},
};
use outcome::Outcome;

mod desk;
mod files;
pub mod outcome;
mod record;

pub use desk::Desk;
pub(crate) use desk::{reserve, speaks, take_back};

/// Why a part goes back whose claim could not be committed.
const CLAIM_LOST: &str = "the database failed before it was sent";

/// Why a channel cannot speak whose secret was sealed with another key.
const UNOPENED: &str = "its token cannot be opened with this SECRET_KEY";
/// Why a part is given up that was claimed as often as it may be, and never came to an end.
const TOO_OFTEN: &str = "every attempt to send it was interrupted";

/// Sends until stopped, then waits for the sends under way and writes their outcomes.
pub async fn work(engine: Arc<Engine>, stop: CancellationToken) {
    let (outcomes, arrivals) = mpsc::channel(engine.settings.sends);
    let recorder = tokio::spawn(record::work(Arc::clone(&engine), arrivals));
    claims::work(Sends { engine, outcomes }, stop).await;
    let _ = recorder.await;
}

/// The parts of replies that wait to be sent.
#[derive(Debug)]
pub struct Sends {
    engine: Arc<Engine>,
    outcomes: mpsc::Sender<(Sendable, Outcome)>,
}

impl Queue for Sends {
    type Piece = Sendable;

    const PIECES: &'static str = "sends";
    const TOGETHER: usize = 64;
    /// What was settled just before the stop still goes out.
    const AT_STOP: AtStop = AtStop::ClaimOnceMore;

    fn db(&self) -> &Db {
        &self.engine.db
    }

    fn places(&self) -> usize {
        self.engine.settings.sends
    }

    /// Parts that a limit holds back are put off until it lets them through: they must not hide
    /// others behind them.
    async fn claim(
        &self,
        free: FreePlaces,
        _: Round,
    ) -> Result<ClaimResult<Sendable>, StorageError> {
        let engine = &*self.engine;
        let now = engine.clock.now();
        let mut tx = engine.db.read().await?;
        let found = tx.system().outbox().sendable(now, free.places).await?;
        if found.is_empty() {
            let due = tx.system().outbox().next_due(now).await?;
            return Ok(ClaimResult::nothing_until(due, now));
        }
        drop(tx);
        let (mut revoked, found): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|part| part.revoked);
        let permits = permits(engine, &found).await;
        let mut found: Vec<_> = found.into_iter().zip(permits).collect();
        found.sort_by(|(one, _), (other, _)| in_order(one, other));
        revoked.sort_by(in_order);

        let mut tx = engine.db.begin().await?;
        let mut claimed = Vec::with_capacity(found.len());
        let mut wrote = false;
        // They were claimed when somebody took over, and came back unsent.
        for part in revoked {
            wrote |= record::cancel(&mut tx, engine.settings.billing, &part, now).await?;
        }
        for (part, permit) in found {
            match permit {
                Permit::Granted => {
                    if tx.system().outbox().claim(&part, engine.process, now).await? {
                        claimed.push(part);
                    }
                }
                Permit::Wait(wait) => {
                    engine.channels.of(part.channel_kind).count(ChannelEvent::Waited);
                    tx.system().outbox().put_off(&part, now + wait).await?;
                    wrote = true;
                }
            }
        }
        Ok(if claimed.is_empty() && !wrote {
            ClaimResult::Held
        } else {
            ClaimResult::claimed(tx, claimed)
        })
    }

    fn open(&self, room: Room<Self>) {
        self.engine.desk.open(Some(room));
    }

    fn close(&self) {
        self.engine.desk.open(None);
    }

    /// None of them was sent.
    async fn hand_back(&self, tx: &mut Tx, parts: &[Sendable]) -> Result<(), StorageError> {
        let now = self.engine.clock.now();
        for part in parts {
            let outbox = tx.workspace(part.workspace_id).outbox();
            outbox.put_back(part, self.engine.process, now, CLAIM_LOST, false).await?;
        }
        Ok(())
    }

    async fn run(&self, part: Sendable) {
        let sent = AssertUnwindSafe(send(&self.engine, &part)).catch_unwind().await;
        let outcome = sent.unwrap_or_else(|_| outcome::of_panic(&part));
        let _ = self.outcomes.send((part, outcome)).await;
    }

    async fn wait(&self, longest: Duration) {
        self.engine.bell.outbox(longest).await;
    }
}

/// The order in which rows of the outbox are written: two transactions must not wait for each other
/// in a circle.
fn in_order(one: &Sendable, other: &Sendable) -> Ordering {
    let place = |part: &Sendable| (part.workspace_id, part.channel_id);
    place(one).cmp(&place(other)).then_with(|| one.address.cmp(&other.address))
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
    let reply_to = part.content.reply_to();
    let route = Route { secret: secret.as_ref(), address: &part.address, reply_to };
    let channel = engine.channels.of(part.channel_kind);
    let sent = match &part.content {
        Outbound::File { file, .. } => match files::load(engine, part, file).await {
            Ok(loaded) => channel.send_file(route, file, loaded.bytes).await,
            Err(outcome) => return outcome,
        },
        content => channel.send(route, content).await,
    };
    if let SendOutcome::TooFast { retry_after, .. } = &sent {
        pause(engine, part, *retry_after).await;
    }
    outcome::of(engine, part, sent)
}

/// Obeys a 429. It does not say whether the chat or the whole bot was too fast: the first one stops
/// the chat, and another chat's within the same time stops the bot. Other bots go on.
async fn pause(engine: &Engine, part: &Sendable, retry_after: Duration) {
    let chat = engine.channels.of(part.channel_kind).chat(&part.address);
    engine.live.pause(&chat_key(part.channel_id, &chat), retry_after).await;
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
    let limits = |part: &Sendable| {
        let channel = engine.channels.of(part.channel_kind);
        let paces = channel.paces(part.chat_kind);
        limits(paces, part.channel_id, &channel.chat(&part.address))
    };
    let wanted: Vec<Vec<Limit>> = parts.iter().map(limits).collect();
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

/// How fast a channel may speak, and in one of its chats.
fn limits(paces: Paces, channel: ChannelId, chat: &Address) -> Vec<Limit> {
    let chat = paces.chat.map(|pace| Limit { key: chat_key(channel, chat), rate: rate(pace) });
    let channel = paces.channel.map(|pace| Limit { key: channel_key(channel), rate: rate(pace) });
    chat.into_iter().chain(channel).collect()
}

const fn rate(Pace { per, count, burst }: Pace) -> Rate {
    Rate { per, count, burst }
}

fn channel_key(channel: ChannelId) -> String {
    format!("send:{channel}")
}

fn chat_key(channel: ChannelId, chat: &Address) -> String {
    format!("send:{channel}:{chat}")
}
