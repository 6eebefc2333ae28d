//! A bot that cannot run until its owner acts.

use std::error::Error;

use replyx_engine::Engine;
use replyx_storage::{StorageError, bots::Credentials};

/// Marks a bot as one that cannot run until its owner acts, unless they have: with a newer token
/// than the one that failed.
pub(crate) async fn fail(engine: &Engine, credentials: &Credentials, error: &str) {
    let saved = async {
        let mut tx = engine.db.begin().await?;
        let bots = tx.workspace(credentials.bot.workspace_id).bots();
        let Some(bot) = bots.lock(credentials.bot.id).await? else { return Ok(()) };
        let found = tx.workspace(bot.workspace_id).bots().credentials(bot.id).await?;
        if found.is_none_or(|found| found.token_sealed != credentials.token_sealed) {
            return Ok(());
        }

        if let Ok(change) = bot.fail(error, engine.clock.now()) {
            tx.apply(change).await?;
            tx.commit().await?;
            metrics::counter!("telegram_bots_failed_total").increment(1);
        }
        Ok::<_, StorageError>(())
    };
    if let Err(error) = saved.await {
        tracing::error!(error = &error as &dyn Error, "could not mark a bot as failed");
    }
}
