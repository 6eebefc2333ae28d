//! Sends what was settled: in order per chat, within Telegram's limits, and never silently lost.
//!
//! [`work`] finds parts that may be sent, asks the limits, claims them, and sends each in a task of its
//! own; [`outcome`] says what an answer of Telegram means; [`record`] writes outcomes, several in one
//! transaction. A part is claimed (`sending`) before the request leaves, so that a part found `sending`
//! after a crash is known to be uncertain.

use std::{error::Error, sync::Arc, time::Duration};

use replyx_channels::telegram::TelegramError;
use replyx_core::{channel::ChatKind, ids::BotId};
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

/// Sends until stopped, then waits for the sends under way and writes their outcomes.
pub async fn work(engine: Arc<Engine>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(engine.settings.sends));
    let (outcomes, arrivals) = mpsc::channel(engine.settings.sends);
    let recorder = tokio::spawn(record::work(Arc::clone(&engine), arrivals));
    let under_way = TaskTracker::new();
    while !stop.is_cancelled() {
        let claimed = match claim(&engine, free.available_permits().min(TOGETHER)).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "sends could not be claimed");
                sleep(LONGEST_SLEEP).await;
                continue;
            }
        };
        let none = claimed.is_empty();
        for part in claimed {
            let (engine, outcomes) = (Arc::clone(&engine), outcomes.clone());
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
            under_way.spawn(async move {
                let outcome = send(&engine, &part).await;
                drop(permit);
                let _ = outcomes.send((part, outcome)).await;
            });
        }
        if none {
            let nap = nap(&engine).await;
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

/// Claims parts that may be sent now. Those that a limit holds back are put off until it lets them through.
async fn claim(engine: &Engine, room: usize) -> Result<Vec<Sendable>, StorageError> {
    let now = engine.clock.now();
    let limit = u32::try_from(room).unwrap_or_default();
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = engine.db.read().await?.system().outbox().sendable(now, limit).await?;
    if found.is_empty() {
        return Ok(found);
    }
    let wanted: Vec<Vec<Limit>> = found.iter().map(|part| limits(engine, part)).collect();
    let permits = engine.live.take_many(&wanted).await;

    let mut tx = engine.db.begin().await?;
    let mut claimed = Vec::with_capacity(found.len());
    for (part, permit) in found.into_iter().zip(permits) {
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
    tx.commit().await?;
    Ok(claimed)
}

async fn send(engine: &Engine, part: &Sendable) -> Outcome {
    let begun = Instant::now();
    let Ok(token) = engine.keys.open(&part.token_sealed, part.bot_id.into_uuid().as_bytes()) else {
        return Outcome::BotFailed("its token cannot be opened with this SECRET_KEY".to_owned());
    };
    let client = engine.telegram.bot(&token);
    let content = &part.content;
    let mut answer = match &content.formatted {
        Some(html) => client.send_message(part.chat_id, html, true).await,
        None => client.send_message(part.chat_id, &content.plain, false).await,
    };
    if content.formatted.is_some()
        && matches!(&answer, Err(TelegramError::CannotParse { .. } | TelegramError::TooLong))
    {
        metrics::counter!("telegram_bot_plain_fallbacks_total").increment(1);
        answer = client.send_message(part.chat_id, &content.plain, false).await;
    }
    let kind = answer.as_ref().map_or_else(TelegramError::kind, |_| "sent");
    metrics::counter!("telegram_bot_sends_total", "outcome" => kind).increment(1);
    metrics::histogram!("telegram_bot_send_duration_seconds").record(begun.elapsed().as_secs_f64());
    if let Err(TelegramError::RateLimited { retry_after }) = &answer {
        pause(engine, part, *retry_after).await;
    }
    outcome::of(engine, part, answer)
}

/// Obeys a 429. It does not say whether the chat or the whole bot was too fast: the first one stops the
/// chat, and another chat's within the same time stops the bot. Other bots go on.
async fn pause(engine: &Engine, part: &Sendable, retry_after: Duration) {
    metrics::counter!("telegram_bot_rate_limit_hits_total").increment(1);
    engine.live.pause(&chat_key(part), retry_after).await;
    let first = Limit {
        key: format!("flood:{}", part.bot_id),
        rate: Rate { per: retry_after, count: 1, burst: 1 },
    };
    if engine.live.take(&[first]).await != Permit::Granted {
        engine.live.pause(&bot_key(part.bot_id), retry_after).await;
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
        Limit { key: bot_key(part.bot_id), rate: rates.bot },
    ]
}

fn bot_key(bot: BotId) -> String {
    format!("send:{bot}")
}

fn chat_key(part: &Sendable) -> String {
    format!("send:{}:{}", part.bot_id, part.chat_id)
}

/// How long nothing will be due.
async fn nap(engine: &Engine) -> Duration {
    let now = engine.clock.now();
    let due = async { engine.db.read().await?.system().outbox().next_due(now).await }.await;
    match due {
        Ok(Some(due)) => (due - now)
            .to_std()
            .unwrap_or(Duration::from_millis(5))
            .clamp(Duration::from_millis(5), LONGEST_SLEEP),
        _ => LONGEST_SLEEP,
    }
}
