//! Asks Telegram for the updates of one bot.
//!
//! A batch is stored in one transaction together with the place from which to go on; only the next
//! request confirms it to Telegram. Updates that wait at Telegram are never dropped.

use std::{error::Error, sync::Arc, time::Duration};

use replyx_channels::telegram::{BotClient, RawUpdate, TelegramError};
use replyx_core::{
    clock::Clock,
    ids::{ChannelId, ProcessId},
    retry::{Backoff, Retry},
};
use replyx_engine::{Engine, intake::Door};
use replyx_live::{Lease, Live, LiveError};
use replyx_storage::{bots::Credentials, until_stored};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{failure, receive};

/// How long Telegram waits for an update before it answers with none.
const POLL_SECS: u32 = 25;
/// How many updates come at once.
const BATCH: u8 = 100;
/// How long the lease holds without being renewed: then another process takes the bot over.
const LEASE: Duration = Duration::from_secs(10);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(3);
/// How many conflicts in a row mean that another program polls the bot permanently.
const CONFLICTS: u32 = 10;
/// How long to wait after a failure.
const AGAIN: Backoff = Backoff {
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(30),
    attempts: u32::MAX,
};

/// Why this process may poll a bot.
pub(crate) enum Right {
    /// Nobody else polls it.
    Leased(Lease),
    /// Redis is away and nobody can have the lease, so customers come first. If others poll too,
    /// Telegram ends one of two requests, and an update that both get is stored once.
    Unguarded,
}

/// Whether a process polls a bot.
pub(crate) enum Turn {
    /// It does, and keeps the place as long as it polls.
    Ours(Right, OwnedSemaphorePermit),
    /// Another process does.
    Others,
    /// Nobody does, and this process has no place for it.
    NoPlace,
}

/// Takes the right to poll a bot, if nobody else has it, and a place for it.
pub(crate) async fn turn(
    live: &Live,
    process: ProcessId,
    bot: ChannelId,
    places: &Arc<Semaphore>,
) -> Turn {
    // First: who has no place must still know whether another process polls the bot.
    let Some(right) = right(live, process, bot).await else { return Turn::Others };
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Turn::Ours(right, place);
    }
    give_back(live, right).await;
    Turn::NoPlace
}

async fn right(live: &Live, process: ProcessId, bot: ChannelId) -> Option<Right> {
    match acquire(live, process, bot).await {
        Ok(lease) => lease.map(Right::Leased),
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "polling without a lease");
            Some(Right::Unguarded)
        }
    }
}

async fn acquire(
    live: &Live,
    process: ProcessId,
    bot: ChannelId,
) -> Result<Option<Lease>, LiveError> {
    live.acquire(&format!("poll:{bot}"), &process.to_string(), LEASE).await
}

async fn give_back(live: &Live, right: Right) {
    if let Right::Leased(lease) = right
        && let Err(error) = live.release(lease).await
    {
        tracing::debug!(error = &error as &dyn Error, "the lease runs out by itself");
    }
}

/// Renews the right until another process has it.
async fn lost(engine: &Engine, bot: ChannelId, right: &mut Right) {
    loop {
        sleep(RENEW).await;
        let kept = match right {
            Right::Leased(lease) => engine.live.renew(lease, LEASE).await,
            Right::Unguarded => acquire(&engine.live, engine.process, bot)
                .await
                .map(|lease| lease.map(|lease| *right = Right::Leased(lease)).is_some()),
        };
        match kept {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!("another process now polls this bot");
                return;
            }
            // Nobody else can get the lease either.
            Err(error) => tracing::debug!(error = &error as &dyn Error, "lease not renewed"),
        }
    }
}

/// Polls one bot.
pub(crate) struct Poller {
    engine: Arc<Engine>,
    credentials: Credentials,
    client: BotClient,
    offset: Option<i64>,
    failed: u32,
    conflicts: u32,
}

impl Poller {
    pub(crate) fn new(engine: Arc<Engine>, credentials: Credentials, client: BotClient) -> Self {
        let offset = credentials.poll_offset;
        Self { engine, credentials, client, offset, failed: 0, conflicts: 0 }
    }

    /// Polls until stopped, until the right is lost, or until the bot cannot be polled any more.
    #[tracing::instrument(name = "fleet.poller.run", skip_all, fields(bot.id = %self.credentials.bot.id))]
    pub(crate) async fn run(mut self, mut right: Right, stop: CancellationToken) {
        let engine = Arc::clone(&self.engine);
        let bot = self.credentials.bot.id;
        tokio::select! {
            () = self.poll() => {}
            () = lost(&engine, bot, &mut right) => {}
            () = stop.cancelled() => {}
        }
        give_back(&engine.live, right).await;
    }

    async fn poll(&mut self) {
        let mut asked = self.client.delete_webhook().await.map(|()| Vec::new());
        loop {
            match asked {
                Ok(updates) => {
                    (self.failed, self.conflicts) = (0, 0);
                    self.store(updates).await;
                }
                Err(error) => {
                    let Some(wait) = self.judge(&error).await else { return };
                    tracing::debug!(error = &error as &dyn Error, "polling failed");
                    metrics::counter!("telegram_bot_poll_errors_total", "kind" => error.kind())
                        .increment(1);
                    sleep(wait).await;
                }
            }
            asked = self.client.get_updates(self.offset, POLL_SECS, BATCH).await;
        }
    }

    /// How long to wait after a failure; nothing when polling must end.
    async fn judge(&mut self, error: &TelegramError) -> Option<Duration> {
        self.failed += 1;
        let fail = async |text: &str| failure::fail(&self.engine, &self.credentials, text).await;
        match error {
            TelegramError::Unauthorized => {
                fail(&error.to_string()).await;
                return None;
            }
            TelegramError::Conflict { webhook: true } => {
                // Left from another mode or another program: its waiting updates are kept.
                let _ = self.client.delete_webhook().await;
            }
            TelegramError::Conflict { webhook: false } => {
                self.conflicts += 1;
                if self.conflicts >= CONFLICTS {
                    if self.engine.live.health().await.is_err() {
                        // Without leases the other program may be ourselves.
                        self.conflicts = 0;
                        return Some(AGAIN.first);
                    }
                    fail("another program takes the updates of this bot").await;
                    return None;
                }
            }
            TelegramError::RateLimited { retry_after } => return Some(*retry_after),
            _ => {}
        }
        let [chance] = Clock::bytes();
        match AGAIN.after(self.failed, chance) {
            Retry::After(wait) => Some(wait),
            Retry::Never => Some(AGAIN.ceiling),
        }
    }

    /// Stores a batch, however long the database is away.
    async fn store(&mut self, updates: Vec<RawUpdate>) {
        let Some(next) = updates.iter().map(|update| update.update_id + 1).max() else { return };
        let bot = &self.credentials.bot;
        let door = Door::from(bot);
        let inbound = receive::understand(bot, &updates);
        until_stored("store updates", || receive::polled(&self.engine, &inbound, (door, next)))
            .await;
        self.offset = Some(next);

        // Telegram may be slow to take them, and nobody's next words wait for that.
        let presses = receive::presses(&updates);
        if !presses.is_empty() {
            tokio::spawn(receive::answer_presses(self.client.clone(), presses));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(turn: &Turn) -> &'static str {
        match turn {
            Turn::Ours(..) => "ours",
            Turn::Others => "others",
            Turn::NoPlace => "no place",
        }
    }

    #[tokio::test]
    async fn a_bot_without_a_place_is_left_only_where_no_other_process_polls_it() {
        let live = Live::in_process();
        let clock = Clock::system();
        let one: ProcessId = clock.id();
        let other: ProcessId = clock.id();
        let bots: [ChannelId; 2] = [clock.id(), clock.id()];
        let places = Arc::new(Semaphore::new(1));
        let others_places = Arc::new(Semaphore::new(9));

        let first = turn(&live, one, bots[0], &places).await;
        assert_eq!(name(&first), "ours");
        assert_eq!(name(&turn(&live, one, bots[1], &places).await), "no place");
        // It was given back at once: whoever has a place may have it.
        let second = turn(&live, other, bots[1], &others_places).await;
        assert_eq!(name(&second), "ours");
        assert_eq!(name(&turn(&live, one, bots[1], &places).await), "others");

        let Turn::Ours(right, place) = first else { unreachable!("it was ours") };
        give_back(&live, right).await;
        drop(place);
        let Turn::Ours(right, _) = second else { unreachable!("it was the other's") };
        give_back(&live, right).await;
        assert_eq!(name(&turn(&live, one, bots[1], &places).await), "ours", "a place is free");
    }
}
