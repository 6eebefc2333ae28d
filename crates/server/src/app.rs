//! Composition: from a configuration to an engine that is connected to everything.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use replyx_api::access::Accesses;
use replyx_channels::Channels;
use replyx_core::{clock::Clock, ids::ProcessId};
use replyx_engine::{Bell, Desk, Engine, VersionCache, ledger};
use replyx_knowledge::search::Search;
use replyx_live::Live;
use replyx_llm::{Book, Embeddings, Models, Purse};
use replyx_storage::{
    Committed, Db, Holding, Listener, PoolSize, SchemaHold, StorageError, tuning::Tuning,
};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

use crate::{
    config::{Config, Origin, sqlite_file},
    telemetry,
};

/// How long a start waits for a database that cannot be reached.
const DATABASE_WAIT: Duration = Duration::from_secs(5);

/// The parts that every role works with.
pub struct App {
    /// The conversation and the database.
    pub engine: Arc<Engine>,
    /// What callers of the API may do.
    pub accesses: Arc<Accesses>,
    /// Keeps the schema as it is until the process has said that it lives.
    pub starting: SchemaHold,
}

/// All who hear of commits.
struct Listeners {
    bell: Arc<Bell>,
    accesses: Arc<Accesses>,
}

impl Listener for Listeners {
    fn committed(&self, what: &Committed) {
        self.accesses.committed(what);
        self.bell.committed(what);
        for entry in &what.audit {
            telemetry::audit(entry);
        }
    }
}

/// Connects to the database (and brings its schema up to date), Redis, Telegram and the models.
pub async fn connect(config: &Config, process: ProcessId, clock: Clock) -> anyhow::Result<App> {
    let keys = config.keys()?;
    let bell = Arc::new(Bell::default());
    let accesses = Arc::new(Accesses::default());
    let listeners = Listeners { bell: Arc::clone(&bell), accesses: Arc::clone(&accesses) };
    let db = open_database(config).await?.with_listener(Arc::new(listeners));
    let files = config.files(clock.clone()).context("the store of files cannot be used")?;
    let db = db.with_files(files);
    let starting = hold_schema(&db).await?;
    db.migrate().await.context("the database cannot be migrated")?;
    db.optimize().await.context("the database cannot be optimized")?;
    replyx_billing::start::open(&db, &config.billing(), config.dollar_rate()?, clock.now()).await?;
    tell_of_vectors(&db).await?;
    let live = match config.redis_url() {
        Some(url) => Live::redis(url.expose_secret(), config.redis_prefix()).await?,
        None => Live::in_process(),
    };
    // Every call that is paid for is recorded, no matter who makes it.
    let (book, notes) = Book::open(clock.clone());
    tokio::spawn(ledger::write(db.clone(), process, notes));
    let purse = Purse::new(live.clone(), clock.clone(), config.search_spending()?);
    let embeddings = embeddings(config)?.recorded(book.clone()).paid_from(purse.clone());
    let embeddings = Arc::new(embeddings);
    if let Some(reason) = embeddings.state().reason {
        // A configured folder of the model is expected to exist.
        if config.origin("model_dir") == Origin::Default || embeddings.model().is_some() {
            tracing::info!(%reason, "search uses words only");
        } else {
            tracing::warn!(%reason, "search uses words only, although MODEL_DIR is set");
        }
    }
    let reranker = config.reranker()?;
    let reranker =
        reranker.map(|reranker| reranker.recorded(book.clone()).paid_from(purse.clone()));
    let models = Models::new(config.models()?, live.clone(), clock.clone())?.recorded(book);
    let search = Search::new(Arc::clone(&embeddings), config.search_cache());
    let engine = Arc::new(Engine {
        db,
        live,
        search: search.reranked(reranker),
        embeddings,
        models,
        channels: Channels::open(&config.channels())?,
        keys,
        process,
        clock,
        bell,
        desk: Desk::default(),
        versions: VersionCache::default(),
        tuning: Arc::new(Tuning::new(config.setting_defaults())),
        settings: config.engine(),
    });
    Ok(App { engine, accesses, starting })
}

/// Opens the database. One that starts at the same time gets some seconds, and the log says what is
/// waited for.
async fn open_database(config: &Config) -> anyhow::Result<Db> {
    let begun = Instant::now();
    loop {
        let size = PoolSize { max: config.database_pool() };
        let opened = Db::open_synced(&config.database_url(), size, config.database_sync()).await;
        match opened {
            Err(error) if error.is_transient() && begun.elapsed() < DATABASE_WAIT => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(error = cause, "database is unreachable; retrying");
                sleep(Duration::from_secs(1)).await;
            }
            opened => return opened.context("the database cannot be opened"),
        }
    }
}

/// Was the home restored from a backup, and has nobody resumed it?
pub async fn is_paused(db: &Db) -> Result<bool, StorageError> {
    Ok(db.read().await?.system().settings().find(replyx_backup::PAUSED).await?.is_some())
}

/// Keeps others from taking migrations back. One who is about to is given some seconds.
pub async fn hold_schema(db: &Db) -> anyhow::Result<SchemaHold> {
    let begun = Instant::now();
    loop {
        if let Some(hold) = db.hold_schema(Holding::Shared).await? {
            return Ok(hold);
        }
        ensure!(
            begun.elapsed() < DATABASE_WAIT,
            "`migrate down` is working on this database: start again when it has ended"
        );
        tracing::warn!("`migrate down` is working on this database; retrying");
        sleep(Duration::from_secs(1)).await;
    }
}

/// The models that give texts their vectors. One that was asked for by name and cannot be had is a
/// mistake that nobody would notice from the answers, so it ends the start.
pub fn embeddings(config: &Config) -> anyhow::Result<Embeddings> {
    let settings = config.embeddings()?;
    let wished = settings.model.clone().filter(|name| name != "none");
    let embeddings = Embeddings::new(settings)?;
    if let (Some(name), None) = (wished, embeddings.model()) {
        let reason = embeddings.state().reason.unwrap_or_default();
        bail!(
            "EMBEDDING_MODEL `{name}` cannot be used: {reason} (`none` or no EMBEDDING_MODEL: search goes by words)"
        );
    }
    Ok(embeddings)
}

/// Lets the database find nearest vectors where it can, and says so where it cannot: only
/// assistants that know much miss it.
async fn tell_of_vectors(db: &Db) -> anyhow::Result<()> {
    let index = db.create_vector_index().await.context("the extensions cannot be read")?;
    if let Some(lack) = index.lack() {
        tracing::info!(reason = %lack, "database has no nearest-vector search");
    }
    Ok(())
}

/// A master secret that was never written (the machine stopped between making the file and filling
/// it) is made again, unless something was sealed with what stood in the file.
pub async fn mend_secret_key(config: &Config) -> anyhow::Result<()> {
    let Some(path) = config.empty_secret_key() else { return Ok(()) };
    let url = config.database_url();
    let is_new = sqlite_file(&url).is_some_and(|file| !file.exists());
    if !is_new {
        let db =
            Db::open(&url, PoolSize { max: 1 }).await.context("the database cannot be opened")?;
        let sealed = db.holds_sealed().await.context("the database cannot be read")?;
        db.close().await;
        ensure!(
            !sealed,
            "`{}` is empty, and the database holds secrets that were sealed with the key that was in it: restore the file \
             from a backup, or set SECRET_KEY to that key",
            path.display()
        );
    }
    fs::remove_file(&path).with_context(|| format!("`{}` cannot be removed", path.display()))?;
    tracing::warn!(
        path = %path.display(),
        "secret key file was empty and nothing was encrypted with it; created a new one"
    );
    Ok(())
}

/// This very program, to be run as a child that reads hostile files.
pub fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("the path of this program is not known")
}
