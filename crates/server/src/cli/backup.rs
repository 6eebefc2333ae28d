//! `replyx backup FILE`, `replyx backup verify FILE`, `replyx restore FILE` and `replyx resume`

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use replyx_backup::{Making, Opener, PAUSED, Restored, Seal, Sum, Waiting};
use replyx_core::clock::Clock;
use replyx_storage::{Db, Holding, PoolSize};
use replyx_terminal::{complain, say};
use secrecy::{SecretString, zeroize::Zeroizing};

use super::migrate;
use crate::config::{Config, sqlite_file};

/// The shortest passphrase of a backup, characters.
const SHORTEST_PASSPHRASE: usize = 12;

/// What is done with a backup.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The file to write. It must not exist.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Encrypts it for the owner of this public key of age (`age1...`); may be repeated.
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// Encrypts it with the passphrase that is the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    passphrase_file: Option<PathBuf>,
}

/// What opens an encrypted backup.
#[derive(Debug, Args)]
pub struct Opening {
    /// The file with the secret key of age, as `age-keygen` writes it.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The file whose first line is the passphrase.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Opening {
    fn opener(&self) -> anyhow::Result<Opener> {
        let mut opener = Opener::default();
        if let Some(file) = &self.passphrase_file {
            opener = opener.with_passphrase(passphrase(file)?);
        }
        if let Some(file) = &self.identity {
            let text = Zeroizing::new(text_of(file)?);
            opener = opener
                .with_identities(&text)
                .with_context(|| format!("`{}` cannot be used", file.display()))?;
        }
        Ok(opener)
    }
}

/// A backup to restore, and what opens it.
#[derive(Debug, Args)]
pub struct Restoring {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    opening: Opening,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Restores a backup into a temporary home beside it, and compares every row and file.
    Verify(Restoring),
}

impl Arguments {
    /// The backup to verify, which needs no configuration.
    pub fn verified(&self) -> Option<&Restoring> {
        self.command.as_ref().map(|Command::Verify(restoring)| restoring)
    }

    fn seal(&self) -> anyhow::Result<Seal> {
        Ok(match &self.passphrase_file {
            Some(file) => Seal::Passphrase(passphrase(file)?),
            None if self.recipient.is_empty() => Seal::Open,
            None => Seal::to(&self.recipient)?,
        })
    }
}

fn text_of(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// The first line of a file, which must be long enough that nobody finds it by trying.
fn passphrase(file: &Path) -> anyhow::Result<SecretString> {
    let text = Zeroizing::new(text_of(file)?);
    let line = text.lines().next().unwrap_or_default();
    ensure!(
        line.chars().count() >= SHORTEST_PASSPHRASE,
        "`{}`: a passphrase has at least {SHORTEST_PASSPHRASE} characters on the first line",
        file.display()
    );
    Ok(SecretString::from(line))
}

/// Writes a backup.
pub async fn save(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let file = arguments.file.as_deref().context("no file was named")?;
    let is_absent = sqlite_file(&config.database_url()).is_some_and(|file| !file.exists());
    ensure!(!is_absent, "there is no database yet: nothing was backed up");
    let making = Making {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        keys: config.keys()?.ids(),
        seal: arguments.seal()?,
    };
    let clock = Clock::system();
    let db = open(config, &clock).await?;

    let saved = replyx_backup::save(&db, file, making, clock.now(), show).await;
    db.close().await;
    let saved = saved.context("no backup was made")?;

    let files = saved.files.count;
    say!(
        "wrote `{}`: {} rows, {files} files, {} KiB",
        file.display(),
        saved.rows,
        saved.size.div_ceil(1024)
    );
    if let Some(key) = saved.header.keys.first() {
        say!(
            "Keep a copy of SECRET_KEY (id {key}) in another place: it is not in the backup, and the backup needs it."
        );
    }
    Ok(())
}

/// Restores a backup into a temporary home and compares.
pub async fn verify(restoring: &Restoring) -> anyhow::Result<()> {
    let file = restoring.file.as_path();
    let opener = restoring.opening.opener()?;
    let verified = replyx_backup::verify(file, &opener, Clock::system().now(), show).await;
    let verified = verified.with_context(|| format!("`{}` is no good backup", file.display()))?;
    say!("`{}` is whole: {}", file.display(), described(&verified));
    Ok(())
}

/// Restores a backup into the home of this configuration, which must be empty.
pub async fn restore(config: &Config, restoring: &Restoring) -> anyhow::Result<()> {
    let opener = restoring.opening.opener()?;
    // Held until the end: a server that starts in the meantime is refused.
    let _alone = migrate::alone(config, "restore")?;
    let clock = Clock::system();
    let keys = config.keys()?.ids();
    let db = open(config, &clock).await?;
    let hold = db.hold_schema(Holding::Alone).await?;
    let hold = hold.context("`restore` needs the program to be stopped; a process is starting")?;
    migrate::refuse_while_running(config, &db, "restore").await?;

    let restored =
        replyx_backup::restore(&db, &restoring.file, &opener, &keys, clock.now(), show).await;
    hold.release().await?;
    db.close().await;
    let restored = restored.context("nothing was restored")?;

    say!("restored {}", described(&restored));
    say!(
        "The installation is paused: `serve` offers the API and takes webhooks, and nothing is sent, polled or answered. \
         `replyx resume` lets it work."
    );
    Ok(())
}

/// Lets a restored home work, and tells what will leave it.
pub async fn resume(config: &Config) -> anyhow::Result<()> {
    let clock = Clock::system();
    let db = open(config, &clock).await?;
    let report = replyx_billing::verify::verify(&db).await?;
    ensure!(
        report.is_sound(),
        "the ledger has {} faults, and the installation stays paused: `replyx billing verify` names them",
        report.found
    );
    let mut tx = db.begin().await?;
    if tx.system().settings().remove(PAUSED).await?.is_none() {
        bail!("the installation is not paused");
    }

    let Waiting { replies, turns, jobs } = Waiting::of(&db).await?;
    say!("{replies} parts of replies wait to be sent, {turns} dialogs for an answer, {jobs} jobs");
    tx.commit().await?;
    db.close().await;
    say!("The installation is resumed. Start its processes, or restart those that run.");
    Ok(())
}

async fn open(config: &Config, clock: &Clock) -> anyhow::Result<Db> {
    let size = PoolSize { max: 2 };
    let db = Db::open_synced(&config.database_url(), size, config.database_sync()).await;
    let db = db.context("the database cannot be opened")?;
    let files = config.files(clock.clone()).context("the store of files cannot be used")?;
    Ok(db.with_files(files))
}

/// Progress, on standard error.
fn show(what: &str, sum: &Sum) {
    if sum.count > 0 {
        complain!("{what:<24} {:>10}  {:>10} KiB", sum.count, sum.bytes.div_ceil(1024));
    }
}

fn described(restored: &Restored) -> String {
    let Restored { header, rows, files } = restored;
    format!(
        "{rows} rows and {} files, made by ReplyX {} of a {} database at {}",
        files.count,
        header.program,
        header.database,
        header.made_at.format("%Y-%m-%d %H:%M:%S UTC")
    )
}
