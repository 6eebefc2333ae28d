//! `replyx config` and `replyx config check`.

use std::{collections::HashMap, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Subcommand;
use replyx_storage::{Db, PoolSize};
use replyx_terminal::{Color, Painter, say};
use tokio::time::timeout;

use crate::config::{Config, Flags, Origin, sqlite_file};

/// The database is waited for this long.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Lists all errors in the settings, and fails if there are any.
    Check,
}

/// Runs the command.
pub async fn run(file: Option<&Path>, command: Option<Command>) -> anyhow::Result<ExitCode> {
    let (config, mut faults) = Config::examine(file, std::env::vars().collect(), Flags::new())?;
    if command.is_none() {
        let by_admins = timeout(PATIENCE, set_by_admins(&config)).await;
        show(&config, by_admins.unwrap_or_else(|_| Err(anyhow::anyhow!("it does not answer"))));
    }
    if faults.is_empty() {
        faults.extend(of_use(&config));
    }
    let painter = Painter::new();
    for suspicion in config.suspicions() {
        say!("{}  {suspicion}", painter.paint(Color::Yellow, "note "));
    }
    for fault in &faults {
        say!("{}  {fault}", painter.paint(Color::Red, "FAULT"));
    }
    if !faults.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if command.is_some() {
        say!("{}     the settings can be used", painter.paint(Color::Green, "ok"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What platform admins have set, by the setting's name. Nothing is made or migrated.
async fn set_by_admins(config: &Config) -> anyhow::Result<HashMap<String, String>> {
    let url = config.database_url();
    if sqlite_file(&url).is_some_and(|path| !path.exists()) {
        return Ok(HashMap::new());
    }
    let db = Db::open(&url, PoolSize { max: 1 }).await.context("it cannot be opened")?;
    let stored = async { db.read().await?.system().settings().all().await }.await;
    db.close().await;
    Ok(stored.context("its settings cannot be read")?.into_iter().collect())
}

fn show(config: &Config, by_admins: anyhow::Result<HashMap<String, String>>) {
    let painter = Painter::new();
    let mut shown = config.shown();
    for one in &mut shown {
        let stored = by_admins.as_ref().ok().and_then(|set| set.get(&one.name.to_lowercase()));
        if let Some(value) = stored {
            // An admin may set a value that is empty, such as the list of allowed models.
            one.value = if value.is_empty() { "(unset)".to_owned() } else { value.clone() };
            one.origin = Origin::Admin;
        }
    }

    let name_width = shown.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    for one in &shown {
        let line = format!("{:<name_width$}  {:<34} {}", one.name, one.value, one.origin);
        match one.origin {
            Origin::Default => say!("{}", painter.paint(Color::Gray, line)),
            _ => say!("{line}"),
        }
    }

    if let Err(error) = by_admins {
        let note = painter.paint(Color::Yellow, "note ");
        say!();
        say!("{note}  the database cannot tell what admins have set: {error:#}");
    }
}

/// What shows only when a setting is used. Nothing is made or asked.
fn of_use(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    if config.has_secret_key()
        && let Err(error) = config.keys()
    {
        faults.push(format!("{error:#}"));
    }
    if let Err(error) = config.reranker() {
        faults.push(format!("{error:#}"));
    }
    if let Err(error) = crate::app::embeddings(config) {
        faults.push(format!("{error:#}"));
    }
    faults
}
