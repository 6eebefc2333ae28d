//! `replyx billing verify`: proves the ledger, or names what is wrong with it.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Subcommand;
use replyx_billing::verify;
use replyx_storage::{Db, PoolSize, Schema};
use replyx_terminal::say;

use crate::config::Config;

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Checks that every entry follows from the one before, that balances, holds, credits and
    /// totals are the sums of their entries, and that nothing was changed after it was sealed.
    /// Fails and names what is wrong if something is. Changes nothing; the program may be running.
    Verify,
}

/// Runs the command.
pub async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Verify = command;
    let db = Db::open(&config.database_url(), PoolSize { max: 2 }).await?;
    let schema = db.schema().await?;
    ensure!(schema == Schema::Current, "the schema is not current: run `replyx migrate up`");

    let report = verify::verify(&db).await?;
    db.close().await;
    for fault in &report.faults {
        say!("{fault}");
    }
    let unnamed = report.found - report.faults.len() as u64;
    if unnamed > 0 {
        say!("and {unnamed} more");
    }

    say!(
        "{} workspaces, {} entries, {} holds, {} credits: {}",
        report.workspaces,
        report.entries,
        report.holds,
        report.credits,
        if report.is_sound() { "sound".to_owned() } else { format!("{} FAULTS", report.found) }
    );
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
