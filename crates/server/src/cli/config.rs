//! `replyx config` and `replyx config check`.

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use replyx_terminal::{Color, Painter, say};

use crate::config::{Config, Flags, Origin};

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Lists all errors in the settings, and fails if there are any.
    Check,
}

/// Runs the command.
pub fn run(file: Option<&Path>, command: Option<Command>) -> anyhow::Result<ExitCode> {
    let (config, mut faults) = Config::examine(file, std::env::vars().collect(), Flags::new())?;
    if command.is_none() {
        show(&config);
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

fn show(config: &Config) {
    let painter = Painter::new();
    let shown = config.shown();
    let name_width = shown.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    for one in &shown {
        let line = format!("{:<name_width$}  {:<34} {}", one.name, one.value, one.origin);
        match one.origin {
            Origin::Default => say!("{}", painter.paint(Color::Gray, line)),
            _ => say!("{line}"),
        }
    }
    say!();
    say!(
        "Admins may have changed limits while the program runs: GET /api/v1/admin/settings tells."
    );
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
