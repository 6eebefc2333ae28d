//! Composition: from a configuration to an engine that is connected to everything.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use replyx_channels::telegram::{self, Telegram};
use replyx_core::{clock::Clock, ids::ProcessId, secret::Keys};
use replyx_engine::{Bell, Engine};
use replyx_live::Live;
use replyx_llm::Models;
use replyx_storage::{Db, PoolSize};
use secrecy::ExposeSecret;

use crate::config::Config;

/// Connects to the database (and brings its schema up to date), Redis, Telegram and the models.
pub async fn engine(
    config: &Config,
    process: ProcessId,
    clock: Clock,
) -> anyhow::Result<Arc<Engine>> {
    let keys = Keys::derive(&config.secret_key()?)?;
    let bell = Arc::new(Bell::default());
    let db = Db::open(&config.database_url(), PoolSize { max: config.database_pool() })
        .await
        .context("the database cannot be opened")?
        .with_listener(Arc::<Bell>::clone(&bell));
    db.migrate().await.context("the database cannot be migrated")?;
    let live = match config.redis_url() {
        Some(url) => Live::redis(url.expose_secret(), "replyx").await?,
        None => Live::in_process(),
    };
    Ok(Arc::new(Engine {
        db,
        live,
        models: Models::new(config.models())?,
        telegram: Telegram::new(config.telegram_api_url(), telegram::Limits::default())?,
        keys,
        process,
        clock,
        bell,
        settings: config.engine(),
    }))
}

/// This very program, to be run as a child that reads hostile files.
pub fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("the path of this program is not known")
}
