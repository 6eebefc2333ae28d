//! `replyx migrate up|down [N]|status`

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use replyx_core::clock::Clock;
use replyx_storage::{Db, Holding, Loss, PoolSize};

use replyx_terminal::say;

use crate::{
    app,
    config::{Config, sqlite_file},
    heart::DEAD,
    privacy,
    slot::{Occupancy, Slot},
};

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Applies the missing migrations.
    Up,
    /// Reverts the newest migrations and deletes their data. Shows what would be lost and asks for
    /// confirmation; the program must not be running.
    Down {
        /// How many.
        #[arg(default_value_t = 1)]
        count: usize,
        /// Does not ask for confirmation, for scripts.
        #[arg(long)]
        yes: bool,
    },
    /// Shows the applied migrations.
    Status,
}

/// Runs the command and shows where the schema stands.
pub async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up => {
            let db = open(config).await?;
            let hold = app::hold_schema(&db).await?;
            db.migrate().await?;
            hold.release().await?;
            show(db).await
        }
        Command::Down { count, yes } => down(config, count, yes).await,
        Command::Status => show(open(config).await?).await,
    }
}

async fn open(config: &Config) -> anyhow::Result<Db> {
    Ok(Db::open(&config.database_url(), PoolSize { max: 2 }).await?)
}

async fn show(db: Db) -> anyhow::Result<()> {
    for migration in db.migrations().await? {
        let applied = if migration.applied { "applied" } else { "pending" };
        say!("{applied}  {}", migration.name);
    }
    db.close().await;
    Ok(())
}

async fn down(config: &Config, count: usize, yes: bool) -> anyhow::Result<()> {
    // Held until the end: a server that starts in the meantime is refused.
    let _alone = alone(config, "migrate down")?;
    let db = open(config).await?;
    // On PostgreSQL, whose processes share no folder.
    let hold = db.hold_schema(Holding::Alone).await?.context(
        "`migrate down` needs the program to be stopped, and one of its processes is starting, or another `migrate` is \
         at work",
    )?;
    refuse_while_running(config, &db, "migrate down").await?;
    let undone: Vec<&str> = {
        let states = db.migrations().await?;
        let applied = states.iter().filter(|state| state.applied).map(|state| state.name);
        applied.rev().take(count).collect()
    };
    if undone.is_empty() {
        say!("there is no migration to take back");
        return show(db).await;
    }
    say!("takes back: {}", undone.join(", "));
    for loss in db.losses(count).await? {
        say!("  {}", describe(&loss));
    }
    if !yes {
        confirm()?;
        // Whoever read the question may have taken long, and a supervisor may have started the
        // program in the meantime.
        refuse_while_running(config, &db, "migrate down").await?;
    }
    db.migrate_down(count).await?;
    hold.release().await?;
    show(db).await
}

/// On `SQLite`, the lock that a running program holds.
pub(super) fn alone(config: &Config, what: &str) -> anyhow::Result<Option<Slot>> {
    if sqlite_file(&config.database_url()).is_none() {
        return Ok(None);
    }
    let slot = Slot::take(config.data_dir(), "process", Occupancy::Exclusive, &Clock::system())
        .with_context(|| format!("`{what}` needs the program to be stopped"))?;
    Ok(Some(slot))
}

/// Refuses while a process says that it lives, on whichever machine.
pub(super) async fn refuse_while_running(
    config: &Config,
    db: &Db,
    what: &str,
) -> anyhow::Result<()> {
    let file = sqlite_file(&config.database_url());
    if file.is_some_and(|file| privacy::is_within(config.data_dir(), &file)) {
        // The lock on the folder has told that nobody runs; a beat may be left of one that was
        // killed.
        return Ok(());
    }
    let now = Clock::system().now();
    let alive = match db.read().await?.system().processes().alive(DEAD, now).await {
        Err(error) if error.is_missing_table() => 0,
        counted => counted?,
    };
    ensure!(
        alive == 0,
        "`{what}` needs the program to be stopped, and {alive} of its processes still say that they run; one that \
         was killed is forgotten after {} seconds",
        DEAD.as_secs()
    );
    Ok(())
}

fn describe(loss: &Loss) -> String {
    let Loss { table, column, condition, rows } = loss;
    match column {
        None if condition.is_empty() => format!("deletes the table `{table}` with {rows} rows"),
        None => format!("deletes {rows} rows of the table `{table}` ({condition})"),
        Some(column) => format!("deletes `{column}` of the table `{table}`: {rows} rows have it"),
    }
}

/// Asks the person at the terminal.
fn confirm() -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!(
            "nothing was changed: there is no terminal to ask on; `--yes` confirms that the data may be deleted"
        );
    }
    write!(io::stdout(), "This cannot be undone. Type `yes` to delete it: ")?;
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    ensure!(answer.trim() == "yes", "nothing was changed");
    Ok(())
}
