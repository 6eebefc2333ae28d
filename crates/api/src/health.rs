//! Health: cheap to ask, because the checks run in the background.
//!
//! - `GET /health`: 200 when requests can be served, else 503 and why.
//! - `GET /health/live`: 200 as long as the process answers at all.
//! - `GET /health/ready`: as `/health`, with each part named; `degraded` when Redis is away, the
//!   store of files failed or little space is left.

use axum::{Json, extract::State, http::StatusCode};

use crate::{state::AppState, vitals::Report};

/// Shows whether requests can be served.
///
/// This is cheap: the checks run in the background, once a second.
#[utoipa::path(
    get, path = "/health", operation_id = "read_health", tag = "ops",
    responses(
        (status = 200, description = "requests can be served", body = Report),
        (status = 503, description = "requests cannot be served, and why", body = Report),
    )
)]
pub async fn health(state: State<AppState>) -> (StatusCode, Json<Report>) {
    let report = state.health.report();
    (report.code(), Json(report))
}

/// Shows whether to send requests to this process.
///
/// Like `/health`, and also 503 while the program is stopping. Each part is listed; `degraded` if
/// Redis is unavailable, the store of files failed within the last 30 seconds, or the data disk is
/// nearly full. `down` also if the database refused a
/// write within the last 30 seconds.
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
        return (StatusCode::SERVICE_UNAVAILABLE, Json(report.stopping()));
    }
    (report.code(), Json(report))
}

/// Shows that the process answers.
///
/// If it does not, restart it.
#[utoipa::path(
    get, path = "/health/live", operation_id = "read_liveness", tag = "ops",
    responses((status = 200, description = "the process answers"))
)]
pub async fn live() -> StatusCode {
    StatusCode::OK
}
