//! Forgets what is no longer needed, so that tables stay bounded.

use std::{error::Error, time::Duration};

use replyx_engine::Engine;
use replyx_storage::StorageError;

/// Telegram redelivers for a day; a week is safe.
const UPDATES: Duration = Duration::from_hours(7 * 24);
/// How long delivered parts are kept for questions about them; their messages stay.
const OUTBOX: Duration = Duration::from_hours(30 * 24);

/// Sweeps everything. A failure is logged; the next time comes soon.
pub(super) async fn all(engine: &Engine) {
    let swept = async {
        let now = engine.clock.now();
        let mut tx = engine.db.begin().await?;
        let updates = tx.system().updates().forget(now - UPDATES).await?;
        let outbox = tx.system().outbox().forget(now - OUTBOX).await?;
        tx.commit().await?;
        Ok::<_, StorageError>((updates, outbox))
    };
    match swept.await {
        Ok((updates, outbox)) => tracing::debug!(updates, outbox, "swept"),
        Err(error) => tracing::warn!(error = &error as &dyn Error, "sweeping failed"),
    }
}
