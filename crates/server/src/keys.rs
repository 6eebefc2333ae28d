//! The keys to models while the program runs: what admins add here or in another process is used at
//! once, and what a provider says of a key is written where admins see it.

use std::{error::Error, sync::Arc, time::Duration};

use anyhow::Context;
use replyx_core::ids::ModelKeyId;
use replyx_engine::{Engine, providers};
use replyx_llm::KeyEvent;
use replyx_storage::{StorageError, until_stored};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// When the database is asked again after it failed.
const AGAIN: Duration = Duration::from_secs(2);
/// What admins read of a key that was refused.
const FAULT: &str = "the provider does not accept this key (status 401)";
/// How often the keys are read again although nobody told of a change: a message can be lost.
const READ_EVERY: Duration = Duration::from_secs(30);
/// How often what keys were used for is told to the shared state again, should that have lost it.
const SEED_EVERY: Duration = Duration::from_mins(5);
/// How often a fault is tried to be written down.
const TRIES: u32 = 5;

/// Keeps the models up to date with what admins have added, until stopped.
pub(crate) async fn start(
    engine: &Arc<Engine>,
    changes: watch::Receiver<()>,
    stop: &CancellationToken,
) -> anyhow::Result<[JoinHandle<()>; 2]> {
    let events = engine.models.key_events();
    if let Err(error) = providers::adopt(engine).await {
        tracing::warn!(
            error = &error as &dyn Error,
            "could not set the origin of older model keys"
        );
    }
    providers::load(engine).await.context("the keys to models cannot be read")?;
    for sentence in engine.models.left_out() {
        tracing::warn!("{sentence}");
    }
    // Without it nobody knows what is left of a key's limits: they count as reached until it is
    // known.
    engine.models.distrust();
    let seeded = match providers::seed(engine).await {
        Ok(()) => true,
        Err(error) => {
            let error = &error as &dyn Error;
            tracing::error!(
                error,
                "could not read the use of model keys; their limits count as reached"
            );
            metrics::counter!("model_key_use_unknown_total").increment(1);
            false
        }
    };
    let follow = follow(Arc::clone(engine), changes, seeded, stop.clone());
    Ok([tokio::spawn(follow), tokio::spawn(note(Arc::clone(engine), events, stop.clone()))])
}

/// Reads the keys again whenever an admin has changed one, and what they were used for every few
/// minutes: Redis may have been emptied, and the limits of keys with it.
async fn follow(
    engine: Arc<Engine>,
    mut changes: watch::Receiver<()>,
    mut seeded: bool,
    stop: CancellationToken,
) {
    let mut seeded_at = Instant::now();
    let mut read_at = Instant::now();

    loop {
        let next = if seeded { SEED_EVERY } else { AGAIN };
        tokio::select! {
            news = changes.changed() => if news.is_err() { return },
            () = sleep_until(read_at + READ_EVERY) => {}
            () = sleep_until(seeded_at + next) => {
                seeded_at = Instant::now();
                match providers::seed(&engine).await {
                    Ok(()) => seeded = true,
                    Err(error) => {
                        let error = &error as &dyn Error;
                        tracing::warn!(error, "could not read the use of model keys");
                    }
                }
                continue;
            }
            () = stop.cancelled() => return,
        }

        tokio::select! {
            () = until_stored("read the model keys", || providers::load(&engine)) => {}
            () = stop.cancelled() => return,
        }
        read_at = Instant::now();
    }
}

/// Writes down what happens to keys.
async fn note(engine: Arc<Engine>, mut events: Receiver<KeyEvent>, stop: CancellationToken) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Ok(KeyEvent::Refused { key, .. }) => {
                metrics::counter!("model_key_events_total", "event" => "refused").increment(1);
                refused(&engine, key, &stop).await;
            }
            Ok(KeyEvent::CoolingDown { .. }) => {
                metrics::counter!("model_key_events_total", "event" => "cooling_down").increment(1);
            }
            Ok(KeyEvent::Exhausted { .. }) => {
                metrics::counter!("model_key_events_total", "event" => "exhausted").increment(1);
            }
            // What was missed was logged where it happened.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn refused(engine: &Engine, key: ModelKeyId, stop: &CancellationToken) {
    for _ in 0..TRIES {
        match write(engine, key, FAULT).await {
            Ok(()) => return,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(key.id = %key, error, "could not store the error of a model key");
            }
        }
        tokio::select! {
            () = sleep(AGAIN) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Writes a fault down, unless the key is the configuration's or it is known already.
async fn write(engine: &Engine, key: ModelKeyId, fault: &str) -> Result<(), StorageError> {
    let mut tx = engine.db.begin().await?;
    let Some(mut found) = tx.system().model_keys().lock(key).await? else { return Ok(()) };
    if found.fault.as_deref() == Some(fault) {
        return Ok(());
    }
    found.fault = Some(fault.to_owned());
    tx.system().model_keys().save(&found).await?;
    tx.commit().await.map(drop)
}
