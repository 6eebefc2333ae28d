//! Logs and metrics.

use std::{fs, io, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use replyx_core::audit::Entry;
use tokio_util::sync::CancellationToken;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{
    Layer, filter::filter_fn, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use crate::config::{Config, LogFormat};

mod families;
mod process;

/// Bounds of the buckets of the `*_seconds` histograms.
const SECONDS: [f64; 10] = [0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds for requests: there is a histogram for each route, method and status, so they are few.
const REQUEST: (&str, [f64; 6]) =
    ("http_request_duration_seconds", [0.005, 0.02, 0.1, 0.5, 2.5, 10.0]);

/// The target of audit lines.
pub const AUDIT: &str = "audit";

/// How many files of audit lines are kept.
const AUDIT_FILES: usize = 7;

/// Begins to log: to standard error, and what enters an audit log also to `audit.DATE.log`, a new
/// file each day (UTC).
pub fn logs(config: &Config) -> anyhow::Result<()> {
    let filter = config.log_filter()?;
    // A log that cannot be written must not stop what is logged: the reader of a pipe may have
    // gone.
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(replyx_terminal::colors(&io::stderr()))
        .log_internal_errors(false);
    let layer = match config.log_format() {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(true).boxed(),
    };
    let folder = config.log_dir();
    fs::create_dir_all(&folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(AUDIT)
        .filename_suffix("log")
        .max_log_files(AUDIT_FILES)
        .build(&folder)
        .with_context(|| format!("the audit log cannot be written in `{}`", folder.display()))?;
    let audit = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .log_internal_errors(false)
        .with_writer(file)
        .with_filter(filter_fn(|metadata| metadata.target() == AUDIT));
    registry()
        .with(layer.with_filter(filter))
        .with(audit)
        .try_init()
        .context("logging was begun twice")
}

/// Writes an entry of an audit log into the log of the process, under a target of its own.
pub fn audit(entry: &Entry) {
    let act = &entry.act;
    tracing::info!(
        target: AUDIT,
        chain = entry.workspace_id.map(tracing::field::display),
        seq = entry.seq,
        at = %act.at.to_rfc3339(),
        actor = %act.actor,
        actor.id = act.actor_id.map(tracing::field::display),
        actor.name = act.actor_name,
        action = act.action,
        object = act.target,
        object.id = act.target_id,
        address = act.address,
        outcome = %act.outcome,
        details = %act.details,
        hash = entry.hash,
        "audit"
    );
}

/// Begins to measure; the function that is returned writes the metrics down.
pub fn metrics(stop: CancellationToken) -> anyhow::Result<impl Fn() -> String + Send + Sync> {
    let (name, bounds) = REQUEST;
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(name.to_owned()), &bounds)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()
        .context("measuring was begun twice")?;
    families::describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(move || {
        let mut text = handle.render();
        process::write(&mut text);
        text
    })
}
