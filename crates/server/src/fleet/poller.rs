//! Asks Telegram for the updates of one bot.
//!
//! A batch is stored in one transaction together with the place from which to go on; only the next
//! request confirms it to Telegram. Updates that wait at Telegram are never dropped.

use std::{error::Error, sync::Arc, time::Duration};

use replyx_channels::telegram::{
    BotClient, RawUpdate, TelegramError,
    inbound::{self, Read, Us},
};
use replyx_core::{
    channel::Inbound,
    clock::Clock,
    ids::ChannelId,
    retry::{Backoff, Retry},
};
use replyx_engine::{
    Engine,
    intake::{self, Door},
};
use replyx_live::{Lease, LiveError};
use replyx_storage::{StorageError, bots::Credentials};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

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
pub(super) enum Right {
    /// Nobody else polls it.
    Leased(Lease),
    /// Redis is away and nobody can have the lease, so customers come first. If others poll too,
    /// Telegram ends one of two requests, and an update that both get is stored once.
    Unguarded,
}

/// The right to poll a bot, if nobody else has it.
pub(super) async fn right(engine: &Engine, bot: ChannelId) -> Option<Right> {
    match acquire(engine, bot).await {
        Ok(lease) => lease.map(Right::Leased),
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "polling without a lease");
            Some(Right::Unguarded)
        }
    }
}

async fn acquire(engine: &Engine, bot: ChannelId) -> Result<Option<Lease>, LiveError> {
    engine.live.acquire(&format!("poll:{bot}"), &engine.process.to_string(), LEASE).await
}

/// Renews the right until another process has it.
async fn lost(engine: &Engine, bot: ChannelId, right: &mut Right) {
    loop {
        sleep(RENEW).await;
        let kept = match right {
            Right::Leased(lease) => engine.live.renew(lease, LEASE).await,
            Right::Unguarded => acquire(engine, bot)
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
pub(super) struct Poller {
    engine: Arc<Engine>,
    credentials: Credentials,
    client: BotClient,
    offset: Option<i64>,
    failed: u32,
    conflicts: u32,
}

impl Poller {
    pub(super) fn new(engine: Arc<Engine>, credentials: Credentials, client: BotClient) -> Self {
        let offset = credentials.poll_offset;
        Self { engine, credentials, client, offset, failed: 0, conflicts: 0 }
    }

    /// Polls until stopped, until the right is lost, or until the bot cannot be polled any more.
    #[tracing::instrument(name = "fleet.poller.run", skip_all, fields(bot.id = %self.credentials.bot.id))]
    pub(super) async fn run(mut self, mut right: Right, stop: CancellationToken) {
        let engine = Arc::clone(&self.engine);
        let bot = self.credentials.bot.id;
        tokio::select! {
            () = self.poll() => {}
            () = lost(&engine, bot, &mut right) => {}
            () = stop.cancelled() => {}
        }
        if let Right::Leased(lease) = right
            && let Err(error) = engine.live.release(lease).await
        {
            tracing::debug!(error = &error as &dyn Error, "the lease runs out by itself");
        }
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
        let fail = async |text: &str| super::fail(&self.engine, &self.credentials, text).await;
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
        let us = Us { id: bot.telegram_id, username: &bot.username };
        let door = Door::from(bot);
        let mut inbound = Vec::with_capacity(updates.len());
        for update in &updates {
            match inbound::read(update, us) {
                Read::Inbound(message) => inbound.push((door, message)),
                Read::Ignored { reason, .. } => {
                    metrics::counter!("updates_ignored_total", "reason" => reason).increment(1);
                    metrics::counter!("updates_total", "outcome" => "ignored").increment(1);
                }
            }
        }

        let mut failed = 0;
        while let Err(error) = accept(&self.engine, &inbound, (door, next)).await {
            tracing::error!(error = &error as &dyn Error, "could not store updates");
            failed += 1;
            let [chance] = Clock::bytes();
            if let Retry::After(wait) = AGAIN.after(failed, chance) {
                sleep(wait).await;
            }
        }

        self.offset = Some(next);
    }
}

/// Stores a batch. If it fails as a whole, one by one: an update that the database will never take
/// must not keep all later ones out; it is counted and left behind.
async fn accept(
    engine: &Engine,
    updates: &[(Door, Inbound)],
    offset: (Door, i64),
) -> Result<(), StorageError> {
    let Err(error) = intake::accept_all(engine, updates, Some(offset)).await else { return Ok(()) };
    if error.is_transient() {
        return Err(error);
    }
    for update in updates {
        if let Err(error) = intake::accept_all(engine, std::slice::from_ref(update), None).await {
            if !matches!(error, StorageError::Constraint { .. } | StorageError::Corrupt { .. }) {
                return Err(error);
            }
            tracing::error!(error = &error as &dyn Error, "an update was skipped");
            metrics::counter!("updates_total", "outcome" => "left_behind").increment(1);
        }
    }
    intake::accept_all(engine, &[], Some(offset)).await
}
