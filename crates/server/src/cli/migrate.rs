//! `replyx migrate up|down [N]|status`

use clap::Subcommand;
use replyx_storage::{Db, PoolSize};

use crate::config::Config;

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Applies what has not been applied yet.
    Up,
    /// Takes back the newest migrations, with the data they hold.
    Down {
        /// How many.
        #[arg(default_value_t = 1)]
        count: usize,
    },
    /// Shows what has been applied.
    Status,
}

/// Runs the command and shows where the schema stands.
pub async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let db = Db::open(&config.database_url(), PoolSize { max: 2 }).await?;
    match command {
        Command::Up => db.migrate().await?,
        Command::Down { count } => db.migrate_down(count).await?,
        Command::Status => {}
    }
    for migration in db.migrations().await? {
        let applied = if migration.applied { "applied" } else { "pending" };
        println!("{applied}  {}", migration.name);
    }
    db.close().await;
    Ok(())
}
