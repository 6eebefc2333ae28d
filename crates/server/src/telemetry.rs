//! Logs and metrics.

use std::{io, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use crate::config::{Config, LogFormat};

/// Bounds of the buckets of all `*_seconds` histograms.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Libraries that are not to be heard at INFO.
const QUIET: &str = "sqlx=warn,hyper=warn,reqwest=warn,redis=warn";

/// Begins to log, to standard error.
pub fn logs(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log_level()))
        .with_context(|| format!("LOG_LEVEL `{}` is not understood", config.log_level()))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match config.log_format() {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(true).boxed(),
    };
    registry().with(filter).with(layer).try_init().context("logging was begun twice")
}

/// Begins to measure; the handle writes the metrics down.
pub fn metrics(stop: CancellationToken) -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()
        .context("measuring was begun twice")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
