//! Sends what was settled: in order per chat, within Telegram's limits, and never silently lost.
//!
//! [`work`] finds parts that may be sent, asks the limits, claims them, and sends each in a task of
//! its own; [`outcome`] says what an answer of Telegram means; `record` writes outcomes, several in
//! one transaction. A part is claimed (`sending`) before the request leaves, so that a part found
//! `sending` after a crash is known to be uncertain.

use std::{cmp::Ordering, error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use replyx_channels::telegram::TelegramError;
use replyx_core::{
    channel::{ChatKind, Outbound},
    ids::ChannelId,
};
use replyx_live::{Limit, Permit, Rate};
use replyx_storage::{StorageError, outbox::Sendable};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep},
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
    let wanted: Vec<Vec<Limit>> = found.iter().map(|part| limits(engine, part)).collect();
    let permits = engine.live.take_many(&wanted).await;

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
                metrics::counter!("telegram_bot_rate_limit_waits_total").increment(1);
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
    let begun = Instant::now();
    if u32::try_from(part.uncertain).unwrap_or(u32::MAX) >= engine.settings.send_backoff.attempts {
        // Whatever has ended so many processes must not end this one, too.
        return Outcome::Failed { error: TOO_OFTEN.to_owned(), uncertain: true };
    }
    let sealed = part.secret_sealed.as_deref().unwrap_or_default();
    let Ok(token) = engine.keys.open(sealed, part.channel_id.into_uuid().as_bytes()) else {
        return Outcome::BotFailed("its token cannot be opened with this SECRET_KEY".to_owned());
    };
    let client = engine.telegram.bot(&token);
    let Outbound::Text(content) = &part.content else {
        return Outcome::Failed { error: "only words can be sent".to_owned(), uncertain: false };
    };
    let mut answer = match &content.markup {
        Some(html) => client.send_message(&part.address, html, true).await,
        None => client.send_message(&part.address, &content.plain, false).await,
    };
    if content.markup.is_some()
        && matches!(&answer, Err(TelegramError::CannotParse { .. } | TelegramError::TooLong))
    {
        metrics::counter!("telegram_bot_plain_fallbacks_total").increment(1);
        answer = client.send_message(&part.address, &content.plain, false).await;
    }
    let kind = answer.as_ref().map_or_else(TelegramError::kind, |_| "sent");
    metrics::counter!("telegram_bot_sends_total", "outcome" => kind).increment(1);
    metrics::histogram!("telegram_bot_send_duration_seconds").record(begun.elapsed().as_secs_f64());
    if let Err(TelegramError::RateLimited { retry_after }) = &answer {
        pause(engine, part, *retry_after).await;
    }
    outcome::of(engine, part, answer)
}

/// Obeys a 429. It does not say whether the chat or the whole bot was too fast: the first one stops
/// the chat, and another chat's within the same time stops the bot. Other bots go on.
async fn pause(engine: &Engine, part: &Sendable, retry_after: Duration) {
    metrics::counter!("telegram_bot_rate_limit_hits_total").increment(1);
    engine.live.pause(&chat_key(part), retry_after).await;
    let first = Limit {
        key: format!("flood:{}", part.channel_id),
        rate: Rate { per: retry_after, count: 1, burst: 1 },
    };
    if engine.live.take(&[first]).await != Permit::Granted {
        engine.live.pause(&bot_key(part.channel_id), retry_after).await;
    }
}

fn limits(engine: &Engine, part: &Sendable) -> Vec<Limit> {
    let rates = &engine.settings.rates;
    let chat = match part.chat_kind {
        ChatKind::Private => rates.private,
        ChatKind::Group => rates.group,
    };
    vec![
        Limit { key: chat_key(part), rate: chat },
        Limit { key: bot_key(part.channel_id), rate: rates.bot },
    ]
}

fn bot_key(bot: ChannelId) -> String {
    format!("send:{bot}")
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
