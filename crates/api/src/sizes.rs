//! How large the database is: `GET /metrics/db-size`, and the same as gauges.
//!
//! The job `measure_database` measures; here the last measurement is read.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::HeaderMap};
use chrono::{DateTime, Utc};
use replyx_engine::Engine;
use replyx_storage::{Db, StorageError, sizes::DatabaseSize};
use serde::Serialize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{
    error::{ApiResult, Problem},
    measure,
    state::AppState,
};

/// How often the gauges are renewed.
const EVERY: Duration = Duration::from_mins(1);

/// A table of the database.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TableSizeView {
    /// Its name.
    #[schema(example = "messages")]
    name: String,
    /// Its rows: counted on SQLite, estimated on PostgreSQL.
    #[schema(example = 120_000)]
    rows: i64,
    /// Its bytes on the disk with its indexes; `null` on SQLite.
    #[schema(example = 48_234_496)]
    bytes: Option<i64>,
}

/// How large the database is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DatabaseSizeView {
    /// When it was measured; `null` until the first measurement, as are the other figures.
    measured_at: Option<DateTime<Utc>>,
    /// All bytes on the disk.
    #[schema(example = 134_217_728)]
    bytes: Option<i64>,
    /// By how many bytes a day it has grown over at most 30 days; `null` on the first day.
    #[schema(example = 1_048_576)]
    growth_bytes_per_day: Option<i64>,
    /// How many bytes may still be written to the disk of `DATA_DIR`; `null` if that is unknown.
    /// PostgreSQL may have another disk.
    #[schema(example = 48_318_382_080_u64)]
    disk_free_bytes: Option<u64>,
    /// The tables, in the order of their names.
    tables: Vec<TableSizeView>,
}

/// Shows how large the database and its tables are, and how fast it grows.
///
/// It is measured every hour. If `METRICS_TOKEN` is set, it is required as a bearer token.
#[utoipa::path(
    get, path = "/metrics/db-size", operation_id = "read_database_size", tag = "ops",
    responses(
        (status = 200, description = "the last measurement", body = DatabaseSizeView),
        (status = 401, description = "the token is missing or wrong", body = Problem),
    )
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> ApiResult<Json<DatabaseSizeView>> {
    measure::permitted(&state, &headers)?;
    let last = last(state.db()).await?;
    let (size, growth) = last.map_or((None, None), |(size, growth)| (Some(size), growth));

    Ok(Json(DatabaseSizeView {
        measured_at: size.as_ref().map(|size| size.measured_at),
        bytes: size.as_ref().map(|size| size.bytes),
        growth_bytes_per_day: growth,
        disk_free_bytes: state.health.free(),
        tables: size.map_or_else(Vec::new, |size| {
            let view = |table: replyx_storage::sizes::TableSize| TableSizeView {
                name: table.name,
                rows: table.rows,
                bytes: table.bytes,
            };
            size.tables.into_iter().map(view).collect()
        }),
    }))
}

/// The last measurement and the growth until then.
async fn last(db: &Db) -> Result<Option<(DatabaseSize, Option<i64>)>, StorageError> {
    let mut tx = db.read().await?;
    let Some(size) = tx.system().sizes().newest().await? else { return Ok(None) };
    let growth = tx.system().sizes().growth(&size).await?;
    Ok(Some((size, growth)))
}

/// Renews the gauges once a minute until stopped.
pub async fn watch(engine: Arc<Engine>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // A database that does not answer has gauges of its own.
        if let Ok(Some((size, growth))) = last(&engine.db).await {
            show(&size, growth);
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the last bytes do not matter")]
fn show(size: &DatabaseSize, growth: Option<i64>) {
    metrics::gauge!("db_size_bytes").set(size.bytes as f64);
    metrics::gauge!("db_size_measured_timestamp_seconds").set(size.measured_at.timestamp() as f64);
    if let Some(growth) = growth {
        metrics::gauge!("db_growth_bytes_per_day").set(growth as f64);
    }
    for table in &size.tables {
        let name = table.name.clone();
        metrics::gauge!("db_table_rows", "table" => name.clone()).set(table.rows as f64);
        if let Some(bytes) = table.bytes {
            metrics::gauge!("db_table_bytes", "table" => name).set(bytes as f64);
        }
    }
}
