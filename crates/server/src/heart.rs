//! Heartbeat: a process says that it lives, and frees what the dead held.
//!
//! Beats are written and compared by the database's clock. Everything else that several processes
//! compare (when a turn is due, when a claim is stale) is written by each with its own clock, so
//! each corrects its own by what it differs from the database's, where that is more than
//! [`FOLLOWED`].

use std::{error::Error, sync::Arc, time::Duration};

use chrono::TimeDelta;
use replyx_channels::ChannelEvent;
use replyx_core::{clock::Clock, ids::ProcessId};
use replyx_engine::{Engine, providers};
use replyx_storage::{StorageError, Tx, processes::Reaped, retried};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often a process says that it lives.
pub const BEAT: Duration = Duration::from_secs(2);
/// How long after its last beat a process is dead.
pub const DEAD: Duration = Duration::from_secs(10);
/// A clock that differs by more than this is followed.
const FOLLOWED: TimeDelta = TimeDelta::milliseconds(500);
/// A clock that differs by more than this deserves a warning.
pub const WRONG: TimeDelta = TimeDelta::seconds(2);
/// A question that took longer than this says nothing about the clock.
const SLOW: Duration = Duration::from_secs(1);

/// The clock of this machine. Tests may start a debug build whose machine has a wrong one.
pub fn machine_clock() -> Clock {
    let clock = Clock::system();
    #[cfg(debug_assertions)]
    if let Some(ahead) =
        std::env::var("REPLYX_TEST_CLOCK_AHEAD_MS").ok().and_then(|text| text.parse().ok())
    {
        clock.correct(TimeDelta::milliseconds(ahead));
    }
    clock
}

/// What a process knows of its clock.
#[derive(Debug)]
pub struct Heart {
    /// By how much the clock has been corrected since the start.
    corrected: TimeDelta,
    /// Whether the log has been told that the clock is wrong.
    told: bool,
}

impl Heart {
    /// Joins the installation, frees what the dead held, and then reports that this process lives.
    /// A process that had our id before us is dead; on a database of one process all others are.
    pub async fn begin(engine: &Engine) -> Result<Self, StorageError> {
        let fresh: ProcessId = engine.clock.id();
        engine.db.join_installation(fresh.into_uuid(), engine.clock.now()).await?;
        let mut heart = Self { corrected: TimeDelta::zero(), told: false };
        heart.follow(engine).await?;
        retried(|| take_over(engine)).await?;
        retried(|| beat(engine)).await?;
        Ok(heart)
    }

    /// Beats until stopped.
    pub async fn beat(mut self, engine: Arc<Engine>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = sleep(BEAT) => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = retried(|| beat(&engine)).await {
                tracing::error!(error = &error as &dyn Error, "could not write the heartbeat");
            }
            if let Err(error) = self.follow(&engine).await {
                tracing::debug!(
                    error = &error as &dyn Error,
                    "the database's clock could not be read"
                );
            }
        }
    }

    /// Corrects our clock by the database's, and says so when the machine's is wrong.
    async fn follow(&mut self, engine: &Engine) -> Result<(), StorageError> {
        let mut tx = engine.db.begin_reserved().await?;
        let Some(ahead) = ahead(&mut tx, &engine.clock).await? else { return Ok(()) };
        if ahead.abs() > FOLLOWED {
            engine.clock.correct(-ahead);
            self.corrected += ahead;
        }
        let machine = if ahead.abs() > FOLLOWED { self.corrected } else { self.corrected + ahead };
        let seconds = machine.as_seconds_f64();
        metrics::gauge!("clock_ahead_of_database_seconds").set(seconds);
        let is_wrong = machine.abs() > WRONG;
        if is_wrong && !self.told {
            tracing::warn!(
                ahead_s = seconds,
                "the clock of this machine differs from the database's; the program corrects for it, but synchronize the clock (NTP)"
            );
        }
        self.told = is_wrong;
        Ok(())
    }
}

/// By how much this clock is ahead of the database's. `None`: the database has no clock of its own,
/// or was too slow to tell.
pub async fn ahead(tx: &mut Tx, clock: &Clock) -> Result<Option<TimeDelta>, StorageError> {
    let asked = clock.now();
    let begun = Instant::now();
    let time = tx.system().processes().database_time().await?;
    let took = begun.elapsed();
    let Some(time) = time.filter(|_| took < SLOW) else { return Ok(None) };
    Ok(Some(asked + took / 2 - time))
}

/// Frees what we and all who are certainly dead held.
async fn take_over(engine: &Engine) -> Result<(), StorageError> {
    let mut tx = engine.db.begin_reserved().await?;
    tx.system().processes().leave(engine.process).await?;
    if !engine.db.is_shared() {
        tx.system().processes().keep_only(engine.process).await?;
    }
    reap(engine, tx).await
}

async fn beat(engine: &Engine) -> Result<(), StorageError> {
    let mut tx = engine.db.begin_reserved().await?;
    tx.system().processes().check_installation(&engine.db).await?;
    tx.system().processes().beat(engine.process, engine.clock.now()).await?;
    reap(engine, tx).await
}

/// Deregisters this process: what it still holds is free at once, and its attempts do not count.
pub async fn leave(engine: &Engine) -> Result<(), StorageError> {
    retried(|| async {
        let mut tx = engine.db.begin_reserved().await?;
        tx.system().processes().hand_back(engine.process, engine.clock.now()).await?;
        tx.system().processes().leave(engine.process).await?;
        reap(engine, tx).await
    })
    .await
}

async fn reap(engine: &Engine, mut tx: Tx) -> Result<(), StorageError> {
    let reaped = tx.system().processes().reap(DEAD, engine.clock.now()).await?;
    tx.commit().await?;
    metrics::counter!("model_calls_lost_total").increment(reaped.calls);
    if reaped.calls > 0 {
        // It is read again every few minutes, and the next beat must not wait for it.
        match timeout(BEAT, providers::seed(engine)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "could not read the use of model keys"
                );
            }
            Err(_) => tracing::warn!("reading the use of model keys timed out"),
        }
    }
    for kind in &reaped.sends {
        engine.channels.of(*kind).count(ChannelEvent::Doubted);
    }
    if reaped != Reaped::default() {
        tracing::info!(
            turns = reaped.turns,
            sends.uncertain = reaped.sends.len(),
            jobs = reaped.jobs,
            calls = reaped.calls,
            "released the claims of dead processes"
        );
    }
    Ok(())
}
