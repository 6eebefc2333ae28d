//! Whether this process and what it needs work, checked in the background once a second.
//!
//! A database that answers may still take no writes: its disk is full, or it has become a replica.
//! Writes are never far (every process says every two seconds that it lives), so one that was
//! refused within `REFUSED` is what is looked at.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::http::StatusCode;
use replyx_engine::Engine;
use replyx_storage::{Refusal, Schema};
use serde::Serialize;
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

const EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after a refused write the database is taken to refuse them.
const REFUSED: Duration = Duration::from_secs(30);
/// With less than this the folder of the data is nearly full, bytes.
const LITTLE_SPACE: u64 = 64 * 1024 * 1024;

/// The space of a disk, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What may still be written.
    pub free: u64,
    /// All of it.
    pub size: u64,
}

/// Looks at the disk of the data; nothing when that cannot be seen.
pub type Look = Arc<dyn Fn() -> Option<Space> + Send + Sync>;

/// The result of the last check.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// `ok`, `degraded` (works, slower) or `down`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The database: `ok` or what is wrong.
    #[schema(example = "ok")]
    database: &'static str,
    /// The disk of `DATA_DIR`: `ok` or what is wrong.
    #[schema(example = "ok")]
    disk: &'static str,
    /// How many bytes may still be written there; `null` when that is not known.
    #[schema(example = 48_318_382_080_u64)]
    disk_free_bytes: Option<u64>,
    /// The store of large files: `ok` or what is wrong.
    #[schema(example = "ok")]
    files: &'static str,
    /// The shared live state: `ok` or what is wrong.
    #[schema(example = "ok")]
    live: &'static str,
    /// The model that gives texts their vectors, or why there is none: then search goes by words
    /// alone.
    #[schema(example = "multilingual-e5-small")]
    embeddings: String,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// What a look has found.
#[derive(Clone, Debug, Default)]
struct SearchOutcome {
    database: Database,
    live: Live,
    files: Files,
    space: Option<Space>,
    embeddings: String,
}

#[derive(Clone, Copy, Debug, Default)]
enum Database {
    #[default]
    Works,
    Silent,
    /// Migrations of the program are not applied, or were taken back.
    Behind,
    /// A newer program has migrated it.
    Ahead,
    Refuses(Refusal),
}

impl Database {
    async fn look(engine: &Engine) -> Self {
        match timeout(PATIENCE, engine.db.schema()).await {
            Ok(Ok(Schema::Behind(_))) => Self::Behind,
            Ok(Ok(schema)) => match (engine.db.refused_within(REFUSED), schema) {
                (Some(refusal), _) => Self::Refuses(refusal),
                (None, Schema::Ahead(_)) => Self::Ahead,
                (None, _) => Self::Works,
            },
            Ok(Err(_)) | Err(_) => Self::Silent,
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Works => "ok",
            Self::Silent => "does not answer",
            Self::Behind => "its schema is older than the program: run `replyx migrate up`",
            Self::Ahead => "its schema is newer than the program: start the newer version",
            Self::Refuses(refusal) => refusal.as_str(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Files {
    #[default]
    Works,
    Fails,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Live {
    #[default]
    Works,
    Silent,
}

impl Report {
    fn new(found: SearchOutcome) -> Self {
        let little = found.space.is_some_and(|space| space.free < LITTLE_SPACE);
        Self {
            status: match (found.database, found.live, found.files, little) {
                (Database::Works, Live::Works, Files::Works, false) => "ok",
                (Database::Works | Database::Ahead, ..) => "degraded",
                _ => "down",
            },
            database: found.database.sentence(),
            disk: if little { "little space is left" } else { "ok" },
            disk_free_bytes: found.space.map(|space| space.free),
            files: if found.files == Files::Works { "ok" } else { "the store failed" },
            live: if found.live == Live::Works { "ok" } else { "redis does not answer" },
            embeddings: found.embeddings,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// The same of a process that takes no more requests.
    pub(crate) fn stopping(self) -> Self {
        Self { status: "stopping", ..self }
    }

    pub(crate) fn code(&self) -> StatusCode {
        if self.status == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    }
}

/// The last report. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Health(Arc<RwLock<Report>>);

impl Default for Health {
    /// Healthy until the first look: the process has just connected to everything.
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Report::new(SearchOutcome::default()))))
    }
}

impl Health {
    /// Looks once a second until stopped.
    pub async fn watch(self, engine: Arc<Engine>, look: Look, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let found = find(&engine, &look).await;
            measure(&found);
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Report::new(found);
            tokio::select! {
                () = sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// How many bytes may still be written to the disk of the data.
    pub(crate) fn free(&self) -> Option<u64> {
        self.report().disk_free_bytes
    }

    pub(crate) fn report(&self) -> Report {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn find(engine: &Engine, look: &Look) -> SearchOutcome {
    let database = Database::look(engine).await;
    let live = if engine.live.health().await.is_ok() { Live::Works } else { Live::Silent };
    let files = if engine.db.files().failed_within(REFUSED) { Files::Fails } else { Files::Works };
    // A disk on a network may not answer either.
    let look = Arc::clone(look);
    let space = timeout(PATIENCE, spawn_blocking(move || look())).await;
    let embeddings = engine.embeddings.state();
    let embeddings = embeddings
        .model
        .unwrap_or_else(|| format!("none: {}", embeddings.reason.unwrap_or_default()));
    SearchOutcome {
        database,
        live,
        files,
        space: space.ok().and_then(Result::ok).flatten(),
        embeddings,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the last bytes do not matter")]
fn measure(found: &SearchOutcome) {
    let takes_writes = !matches!(found.database, Database::Silent | Database::Refuses(_));
    metrics::gauge!("database_takes_writes").set(f64::from(u8::from(takes_writes)));
    if let Some(space) = found.space {
        metrics::gauge!("data_dir_free_bytes").set(space.free as f64);
        metrics::gauge!("data_dir_size_bytes").set(space.size as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_only_reads_is_down_and_a_disk_that_is_nearly_full_is_not() {
        let report = |database, live, free| {
            let space = Some(Space { free, size: 1 << 40 });
            let report =
                Report::new(SearchOutcome { database, live, space, ..SearchOutcome::default() });
            (report.status, report.code().as_u16())
        };
        let much = 1 << 30;
        let little = 1 << 20;
        assert_eq!(report(Database::Works, Live::Works, much), ("ok", 200));
        assert_eq!(report(Database::Works, Live::Works, little), ("degraded", 200));
        assert_eq!(report(Database::Works, Live::Silent, much), ("degraded", 200));
        let failing =
            Report::new(SearchOutcome { files: Files::Fails, ..SearchOutcome::default() });
        assert_eq!((failing.status, failing.code().as_u16()), ("degraded", 200));
        assert_eq!(report(Database::Ahead, Live::Works, much), ("degraded", 200));
        for database in [Database::Silent, Database::Behind, Database::Refuses(Refusal::Full)] {
            assert_eq!(report(database, Live::Works, much), ("down", 503));
        }
    }
}
