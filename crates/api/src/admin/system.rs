//! `GET /api/v1/admin/system`: how the installation is.

use std::time::Duration;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use replyx_storage::load::Waiting;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{caller::Admin, error::ApiResult, state::AppState, vitals::Report};

/// How long a process may be silent before it counts as dead, as the fleet has it.
const SILENCE: Duration = Duration::from_secs(10);

/// Work that waits or runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueLoad {
    /// `turns`, `deliveries`, or `jobs` with the workers that run them.
    #[schema(example = "jobs.light")]
    queue: String,
    /// How many are due and wait.
    #[schema(example = 3)]
    waiting: i64,
    /// How many are being worked on.
    #[schema(example = 2)]
    running: i64,
    /// How many were given up; of jobs only.
    #[schema(example = 0)]
    dead: i64,
    /// Since when the oldest that waits has been due; `null` if none waits.
    oldest_due_at: Option<DateTime<Utc>>,
}

impl From<Waiting> for QueueLoad {
    fn from(load: Waiting) -> Self {
        let Waiting { queue, waiting, running, dead, oldest_due_at } = load;
        Self { queue, waiting, running, dead, oldest_due_at }
    }
}

/// The installation.
#[derive(Debug, Serialize, ToSchema)]
pub struct System {
    /// The version of the process that answers.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The database: `sqlite` or `postgres`.
    #[schema(example = "postgres")]
    database: &'static str,
    /// What processes share what does not last in: `redis`, or `in-process` with one process.
    #[schema(example = "redis")]
    live: &'static str,
    /// How many processes have lately said that they are alive.
    #[schema(example = 3)]
    processes: i64,
    /// How the process that answers is, and what it needs.
    health: Report,
    /// What waits and runs in the whole installation.
    queues: Vec<QueueLoad>,
}

/// Shows versions, processes, queues and health.
#[utoipa::path(
    get, path = "/admin/system", operation_id = "read_system", tag = "admin",
    responses((status = 200, description = "the installation", body = System))
)]
#[tracing::instrument(name = "api.admin.system", skip_all)]
pub async fn read(State(state): State<AppState>, _admin: Admin) -> ApiResult<Json<System>> {
    let now = state.engine.clock.now();
    let mut tx = state.db().read().await?;
    let processes = tx.system().processes().alive(SILENCE, now).await?;
    let queues = tx.system().load().queues(now).await?;
    drop(tx);

    Ok(Json(System {
        version: env!("CARGO_PKG_VERSION"),
        database: state.db().backend(),
        live: state.engine.live.backend(),
        processes,
        health: state.health.report(),
        queues: queues.into_iter().map(Into::into).collect(),
    }))
}
