//! How we are: cheap to ask, because the asking is done in the background.
//!
//! - `GET /health`: 200 when requests can be served, else 503 and why.
//! - `GET /health/live`: 200 as long as the process answers at all.
//! - `GET /health/ready`: as `/health`, with each part named; `degraded` when Redis is away.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{Json, extract::State, http::StatusCode};
use replyx_engine::Engine;
use replyx_storage::Schema;
use serde::Serialize;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::state::AppState;

const EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found at the last look.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// `ok`, `degraded` (works, slower) or `down`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The database: `ok` or what is wrong.
    #[schema(example = "ok")]
    database: &'static str,
    /// The shared live state: `ok` or what is wrong.
    #[schema(example = "ok")]
    live: &'static str,
    /// The model that gives texts their vectors, or why there is none: then search goes by words alone.
    #[schema(example = "multilingual-e5-small")]
    embeddings: String,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// How the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Database {
    /// It answers, and its schema is the program's.
    Ok,
    /// It does not answer.
    Silent,
    /// Migrations of the program are not applied, or were taken back.
    Behind,
    /// A newer program has migrated it.
    Ahead,
}

impl Database {
    async fn look(engine: &Engine) -> Self {
        match timeout(PATIENCE, engine.db.schema()).await {
            Ok(Ok(Schema::Current)) => Self::Ok,
            Ok(Ok(Schema::Behind(_))) => Self::Behind,
            Ok(Ok(Schema::Ahead(_))) => Self::Ahead,
            Ok(Err(_)) | Err(_) => Self::Silent,
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Silent => "does not answer",
            Self::Behind => "its schema is older than the program: run `replyx migrate up`",
            Self::Ahead => "its schema is newer than the program: start the newer version",
        }
    }
}

impl Report {
    fn new(database: Database, live: bool, embeddings: String) -> Self {
        Self {
            status: match (database, live) {
                (Database::Ok, true) => "ok",
                (Database::Ok, false) | (Database::Ahead, _) => "degraded",
                (Database::Silent | Database::Behind, _) => "down",
            },
            database: database.sentence(),
            live: if live { "ok" } else { "redis does not answer" },
            embeddings,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn code(&self) -> StatusCode {
        if self.status == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    }
}

/// The last report. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Health(Arc<RwLock<Report>>);

impl Default for Health {
    /// Healthy until the first look: the process has just connected to everything.
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Report::new(Database::Ok, true, String::new()))))
    }
}

impl Health {
    /// Looks once a second until stopped.
    pub async fn watch(self, engine: Arc<Engine>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let database = Database::look(&engine).await;
            let live = engine.live.health().await.is_ok();
            let embeddings = engine.embeddings.state();
            let embeddings = embeddings
                .model
                .unwrap_or_else(|| format!("none: {}", embeddings.reason.unwrap_or_default()));
            let report = Report::new(database, live, embeddings);
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = report;
            tokio::select! {
                () = sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    fn report(&self) -> Report {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Tells whether requests can be served.
///
/// Cheap: the looking is done in the background, once a second.
#[utoipa::path(
    get, path = "/health", operation_id = "read_health", tag = "ops",
    responses(
        (status = 200, description = "requests can be served", body = Report),
        (status = 503, description = "they cannot, and why", body = Report),
    )
)]
pub async fn health(state: State<AppState>) -> (StatusCode, Json<Report>) {
    let report = state.health.report();
    (report.code(), Json(report))
}

/// Tells whether to send requests here.
///
/// As `/health`, and 503 also while the program is stopping. Each part is named; `degraded` when Redis is away.
#[utoipa::path(
    get, path = "/health/ready", operation_id = "read_readiness", tag = "ops",
    responses(
        (status = 200, description = "ready, perhaps degraded", body = Report),
        (status = 503, description = "not ready, and why", body = Report),
    )
)]
pub async fn ready(state: State<AppState>) -> (StatusCode, Json<Report>) {
    let report = state.health.report();
    if state.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(Report { status: "stopping", ..report }));
    }
    (report.code(), Json(report))
}

/// Tells that the process answers at all.
///
/// When it does not, it should be started anew.
#[utoipa::path(
    get, path = "/health/live", operation_id = "read_liveness", tag = "ops",
    responses((status = 200, description = "the process answers"))
)]
pub async fn live() -> StatusCode {
    StatusCode::OK
}
