//! The command line.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use replyx_core::knowledge::DocumentKind;
use replyx_terminal::say;

use crate::{
    config::{Config, Flags},
    lifecycle,
    roles::{Role, Roles},
    telemetry,
};

mod admin;
mod backup;
mod billing;
mod config;
mod db;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod health;
mod knowledge;
mod migrate;
mod shell;
mod version;

/// Answers a business's customers in Telegram from the business's own documents.
#[derive(Debug, Parser)]
#[command(name = "replyx", version = version::told(), arg_required_else_help = true)]
struct Cli {
    /// A TOML file with settings; environment variables override it.
    #[arg(long, global = true, env = "REPLYX_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the program, with all roles or some of them.
    Serve {
        /// The roles to run; all by default.
        #[arg(long, value_enum)]
        role: Vec<Role>,
        /// The address to listen on; overrides HOST.
        #[arg(long, value_name = "ADDRESS")]
        host: Option<String>,
        /// The port to listen on, 0 for a free one; overrides PORT.
        #[arg(long, value_name = "PORT")]
        port: Option<String>,
        /// The data folder; overrides `DATA_DIR`.
        #[arg(long, value_name = "FOLDER")]
        data: Option<String>,
    },
    #[cfg(feature = "demo")]
    /// Runs the demo, offline: a sample shop, a simulated Telegram, ten questions.
    Demo {
        /// Exits after the questions; fails unless every answer was right.
        #[arg(long)]
        once: bool,
        /// Keeps its data here instead of in a temporary folder.
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
        /// Reads the sample documents from here instead of its own.
        #[arg(long, value_name = "FOLDER")]
        documents: Option<PathBuf>,
    },
    /// Migrates the database schema up or down.
    Migrate {
        #[command(subcommand)]
        command: migrate::Command,
    },
    /// Writes a backup of everything into one file, beside a running program.
    Backup(backup::Arguments),
    /// Restores a backup into an empty installation, which starts paused.
    Restore(backup::Restoring),
    /// Lets a restored installation work.
    Resume,
    /// The database.
    Db {
        #[command(subcommand)]
        command: db::Command,
    },
    /// Platform admins and the audit logs.
    Admin {
        #[command(subcommand)]
        command: admin::Command,
    },
    /// The ledger of balances.
    Billing {
        #[command(subcommand)]
        command: billing::Command,
    },
    /// Evaluates how often search and answers are right.
    Knowledge {
        #[command(subcommand)]
        command: knowledge::Command,
    },
    /// Checks the configuration, the connections and the schema, and says how to fix what is wrong.
    /// Contacts the mail server and Telegram; sends nothing.
    Doctor {
        /// Also checks the model providers and the tokens of bots.
        #[arg(long)]
        online: bool,
    },
    /// Shows the effective settings and the source of each. Secrets are hidden.
    Config {
        #[command(subcommand)]
        command: Option<config::Command>,
    },
    /// Asks the program that runs on this machine, on HOST and PORT or `PROBE_PORT`, whether it
    /// answers. Health checks of containers use it.
    Health,
    /// Prints the `OpenAPI` document.
    Openapi,
    /// Prints the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Writes the manual pages.
    Man {
        /// Where to; created if it does not exist.
        folder: PathBuf,
    },
    /// Reads a document from standard input and prints its text as JSON. Used by the program
    /// itself, to keep hostile files in a process of their own.
    #[command(hide = true)]
    Extract {
        /// The document's format.
        #[arg(long, required_unless_present_any = ["probe", "task"])]
        kind: Option<DocumentKind>,
        /// What else is read.
        #[arg(long, conflicts_with = "kind")]
        task: Option<replyx_extract::Task>,
        /// Says how far such a process is confined here, and reads nothing.
        #[arg(long, conflicts_with_all = ["kind", "task"])]
        probe: bool,
    },
}

/// Runs the command that was given.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    if let Command::Extract { kind, task, .. } = cli.command {
        match (kind, task) {
            (Some(kind), _) => replyx_extract::child_main(kind)?,
            (None, Some(task)) => replyx_crawl::task_main(task)?,
            (None, None) => replyx_extract::probe_main()?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    // The secrets are in this process: its children, which read hostile files, must not see into
    // it.
    replyx_extract::hide().context("the memory of this process cannot be protected")?;
    if print(&cli.command)? {
        return Ok(ExitCode::SUCCESS);
    }
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(command(cli))
}

/// Runs a command that only prints or writes what the program knows by itself. `false`: it is
/// another one.
fn print(command: &Command) -> anyhow::Result<bool> {
    match command {
        Command::Openapi => {
            say!("{}", serde_json::to_string_pretty(&replyx_api::router::document())?);
        }
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { folder } => shell::manual(folder)?,
        _ => return Ok(false),
    }
    Ok(true)
}

async fn command(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config.as_deref();
    let load_with = |flags| Config::load(file, flags).context("the configuration cannot be used");
    let load = || load_with(Flags::new());
    match cli.command {
        Command::Serve { role, host, port, data } => {
            let given =
                [("host", "--host", host), ("port", "--port", port), ("data_dir", "--data", data)];
            let flags =
                given.into_iter().filter_map(|(name, flag, value)| Some((name, flag, value?)));
            let config = load_with(flags.collect())?;
            telemetry::logs(&config)?;
            lifecycle::serve(config, Roles::of(&role)).await?;

            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "demo")]
        Command::Demo { once, data, documents } => {
            demo::run(replyx_demo::Options { once, data, documents }).await
        }
        Command::Migrate { command } => {
            migrate::run(&load()?, command).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Backup(arguments) => {
            match arguments.verified() {
                Some(backup) => backup::verify(backup).await?,
                None => backup::save(&load()?, &arguments).await?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Restore(restoring) => {
            backup::restore(&load()?, &restoring).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Resume => {
            backup::resume(&load()?).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Db { command } => {
            db::run(&load()?, command).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Admin { command } => admin::run(&load()?, command).await,
        Command::Billing { command } => billing::run(&load()?, command).await,
        Command::Knowledge { command } => Ok(knowledge::run(load(), command).await),
        Command::Doctor { online } => {
            let inquiry = if online { doctor::Inquiry::Online } else { doctor::Inquiry::Local };
            Ok(Box::pin(doctor::run(file, inquiry)).await)
        }
        Command::Config { command } => config::run(file, command).await,
        Command::Health => {
            health::run(&load()?).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Extract { .. } => unreachable!("needs no runtime"),
    }
}
