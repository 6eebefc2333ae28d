//! Forgets what is no longer needed, so that tables stay bounded, and deletes accounts whose time
//! has come.

use std::{error::Error, time::Duration};

use replyx_accounts::deletion;
use replyx_engine::Engine;
use replyx_knowledge::{index, search::LARGE, sources};
use replyx_storage::{StorageError, retried};

use super::{JobContext, registry};

/// Telegram redelivers for a day; a week is safe.
const UPDATES: Duration = Duration::from_hours(7 * 24);
/// How long delivered parts are kept for questions about them; their messages stay.
const OUTBOX: Duration = Duration::from_hours(30 * 24);
/// How long the answers of a day are counted: until it has ended on every clock.
const CONTACT_DAYS: Duration = Duration::from_hours(2 * 24);
/// How long sessions that have ended are remembered: who comes back from the same place is no news.
const SESSIONS: Duration = Duration::from_hours(90 * 24);
/// How long a registration may be sent a new code after its last one has ended.
const REGISTRATIONS: Duration = Duration::from_hours(24);
/// How long failed attempts to sign in matter at most: longer than an account can be locked.
const ATTEMPTS: Duration = Duration::from_hours(2 * 24);
/// How long an invitation is shown after it has ended.
const INVITATIONS: Duration = Duration::from_hours(30 * 24);
/// How long the answer to a repeated request is kept.
const IDEMPOTENCY: Duration = Duration::from_hours(24);
/// How long the calls of models are accounted for: a year, and the month in which it is closed.
const MODEL_CALLS: Duration = Duration::from_hours(400 * 24);

/// How many documents are brought up to date between two sweeps at most.
const REFRESH: u32 = 2_000;

/// Sweeps everything. A failure is logged; the next time comes soon.
pub(super) async fn all(engine: &Engine, tools: &JobContext) {
    let swept = async {
        retried(|| conversation(engine)).await?;
        retried(|| signing_in(engine)).await?;
        retried(|| costs(engine)).await?;
        knowledge(engine, tools).await?;
        deletion::purge(&engine.db, engine.clock.now()).await
    };
    if let Err(error) = swept.await {
        tracing::warn!(error = &error as &dyn Error, "cleanup failed");
    }
}

async fn conversation(engine: &Engine) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let updates = tx.system().deliveries().forget(now - UPDATES).await?;
    let outbox = tx.system().outbox().forget(now - OUTBOX).await?;
    let days = tx.system().contacts().forget_days((now - CONTACT_DAYS).date_naive()).await?;
    tx.commit().await?;
    tracing::debug!(updates, outbox, days, "swept what was said");
    Ok(())
}

async fn costs(engine: &Engine) -> Result<(), StorageError> {
    let before = (engine.clock.now() - MODEL_CALLS).date_naive();
    let mut tx = engine.db.begin().await?;
    let calls = tx.system().model_calls().forget(before).await?;
    tx.commit().await?;
    tracing::debug!(calls, "swept the calls of models");
    Ok(())
}

/// Brings documents up to date that were indexed by earlier rules or embedded with another model.
async fn knowledge(engine: &Engine, tools: &JobContext) -> Result<(), StorageError> {
    let queued = index::embed::refresh(registry::indexing(engine, tools), REFRESH).await?;
    let copied = index::neighbours::refresh(registry::indexing(engine, tools), LARGE).await?;
    tracing::debug!(assistants = copied, "vectors are copied into the index of the database");
    let due = sources::queue_due(&engine.db, &engine.clock).await?;
    tracing::debug!(sources = due, "sources are fetched again");
    if queued > 0 {
        tracing::info!(documents = queued, "queued documents to be indexed or embedded again");
    }
    Ok(())
}

async fn signing_in(engine: &Engine) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let sessions = tx.system().sessions().forget(now - SESSIONS).await?;
    let registrations = tx.system().registrations().forget(now - REGISTRATIONS).await?;
    let resets = tx.system().password_resets().forget(now).await?;
    let attempts = tx.system().login_attempts().forget(now - ATTEMPTS).await?;
    let invitations = tx.system().invitations().forget(now - INVITATIONS).await?;
    let requests = tx.system().idempotency().forget(now - IDEMPOTENCY).await?;
    tx.commit().await?;
    tracing::debug!(
        sessions,
        registrations,
        resets,
        attempts,
        invitations,
        requests,
        "swept what was about signing in"
    );
    Ok(())
}
