//! `replyx admin create|password|role|topup|audit verify`: what has to work when nobody can
//! sign in.
//!
//! A running program obeys at once where it is told by Redis, and else within seconds: what it
//! knows of callers it reads again every five.

use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Subcommand, ValueEnum};
use replyx_accounts::{
    AccountSettings, Cx, Error,
    admin::users::{self, PlatformRole as Role},
    is_email,
};
use replyx_api::access::Accesses;
use replyx_billing::{
    admin::{self, AdminSource, NewCredit},
    start,
};
use replyx_core::{
    actor::Admin,
    audit,
    clock::Clock,
    ids::WorkspaceId,
    money::Money,
    user::{User, normal_email},
};
use replyx_live::Live;
use replyx_storage::{Db, Listener, PoolSize, tuning::Tuning};
use replyx_terminal::{complain, say};
use secrecy::ExposeSecret;

use crate::{app, config::Config};

/// How many entries are checked at once.
const BATCH: u32 = 1000;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Creates a platform admin. The password is asked for, or read from
    /// standard input.
    Create {
        /// The e-mail address.
        email: String,
        /// The person's name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Sets a new password and ends all sessions of an account.
    Password {
        /// The e-mail address.
        email: String,
    },
    /// Grants or revokes the role of platform admin.
    Role {
        /// The e-mail address.
        email: String,
        /// The new role.
        role: PlatformRole,
    },
    /// Adds money to the balance of a workspace, as for a bank transfer.
    Topup {
        /// The id of the workspace.
        workspace: WorkspaceId,
        /// How much, in the currency of the installation: `100.00`.
        amount: Money,
        /// Why, for the workspace and for auditors.
        #[arg(long)]
        reason: String,
        /// The number of the transfer: one that was credited is refused.
        #[arg(long, value_name = "NUMBER")]
        number: Option<String>,
    },
    /// The audit logs.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PlatformRole {
    /// Is a platform admin.
    Admin,
    /// Is a user like any other.
    User,
}

impl From<PlatformRole> for Role {
    fn from(role: PlatformRole) -> Self {
        match role {
            PlatformRole::Admin => Self::Admin,
            PlatformRole::User => Self::User,
        }
    }
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum AuditCommand {
    /// Checks that no entry of any log was changed, removed or inserted; fails if one was.
    Verify,
}

/// Runs the command.
pub async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let accesses = Arc::new(Accesses::default());
    let db = Db::open(&config.database_url(), PoolSize { max: 2 }).await?;
    let db = db.with_listener(Arc::clone(&accesses) as Arc<dyn Listener>);
    let hold = app::hold_schema(&db).await?;
    db.migrate().await.context("the database cannot be migrated")?;

    let done = if let Command::Audit { command: AuditCommand::Verify } = command {
        verify(&db).await
    } else {
        change(config, &db, command).await.map(|()| true)
    };
    hold.release().await?;
    db.close().await;
    tell(config, &accesses).await;
    Ok(if done? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Changes an account, by the same rules as the admin side of the API.
async fn change(config: &Config, db: &Db, command: Command) -> anyhow::Result<()> {
    let cx = cx(config, db)?;
    let admin = Admin::CommandLine;
    match command {
        Command::Create { email, name } => {
            // Nobody types a password for nothing.
            ensure!(is_email(&normal_email(&email)), "`{email}` is not an e-mail address");
            let password = new_password()?;
            let made = users::create_admin(&cx, &admin, &email, name.as_deref(), password).await;
            let user = made.map_err(|error| match error {
                Error::EmailTaken => {
                    anyhow!("there is an account for `{email}`: see `replyx admin role`")
                }
                error => told(error),
            })?;
            say!("`{}` is an admin", user.email);
        }
        Command::Password { email } => {
            let user = find(&cx, &email).await?;
            users::set_password(&cx, &admin, user.id, new_password()?).await.map_err(told)?;
            say!("the password of `{}` is set; its sessions have ended", user.email);
        }
        Command::Role { email, role } => {
            let user = find(&cx, &email).await?;
            let user = users::set_role(&cx, &admin, user.id, role.into()).await?;
            say!("`{}` is {}", user.email, if user.is_admin { "an admin" } else { "no admin" });
        }
        Command::Topup { workspace, amount, reason, number } => {
            let new = NewCredit {
                workspace_id: workspace,
                amount,
                source: AdminSource::Transfer,
                source_id: number,
                reason,
            };
            top_up(config, &cx, &new).await?;
        }
        Command::Audit { .. } => {}
    }
    Ok(())
}

async fn top_up(config: &Config, cx: &Cx, new: &NewCredit) -> anyhow::Result<()> {
    let settings = config.billing();
    ensure!(!new.reason.trim().is_empty(), "the reason must not be empty");
    let cx = replyx_billing::Cx {
        db: cx.db.clone(),
        clock: cx.clock.clone(),
        tuning: Arc::clone(&cx.tuning),
        settings: Arc::new(settings),
    };
    start::open(&cx.db, &cx.settings, config.dollar_rate()?, cx.clock.now()).await?;

    let (credit, balance) = admin::credit(&cx, &Admin::CommandLine, new).await?;
    say!(
        "`{}` {} were added; {} are available",
        credit.amount,
        cx.settings.currency,
        balance.funds.available()
    );
    Ok(())
}

fn cx(config: &Config, db: &Db) -> anyhow::Result<Cx> {
    let settings = config.api(config.listen());
    let settings = AccountSettings { base_url: settings.base_url, mail: settings.mail };
    let tuning = Arc::new(Tuning::new(config.setting_defaults()));
    Ok(Cx::new(db.clone(), Live::in_process(), Clock::system(), config.keys()?, tuning, settings))
}

/// Tells the running processes whose access has changed, so that their streams end at once.
async fn tell(config: &Config, accesses: &Accesses) {
    let Some(url) = config.redis_url().filter(|_| accesses.has_news()) else { return };
    match Live::redis(url.expose_secret(), config.redis_prefix()).await {
        Ok(live) => accesses.tell_once(&live, Clock::system().id()).await,
        Err(error) => complain!("the running processes hear of it within seconds only: {error}"),
    }
}

/// An error as people at a terminal read it: what is wrong with a field says which one.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::Field { field: "password", message } => anyhow!("{message}"),
        error => error.into(),
    }
}

async fn find(cx: &Cx, email: &str) -> anyhow::Result<User> {
    let found = users::find_by_email(cx, &Admin::CommandLine, email).await;
    found.map_err(|error| match error {
        Error::NotFound(_) => anyhow!("there is no account for `{}`", normal_email(email)),
        error => error.into(),
    })
}

/// Asks for a password, twice at a terminal; elsewhere it is the first line of standard input.
fn new_password() -> anyhow::Result<String> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("New password: ")?;
        if rpassword::prompt_password("Once more: ")? != password {
            bail!("the two differ");
        }
        password
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    Ok(password)
}

/// Checks every log; says what is wrong with which.
async fn verify(db: &Db) -> anyhow::Result<bool> {
    let chains = db.read().await?.system().audit().chains().await?;
    let mut sound = true;
    for (chain, last, head) in &chains {
        let name = chain.map_or_else(|| "platform".to_owned(), |id| id.to_string());
        match verify_chain(db, *chain, *last, head).await? {
            Ok(()) => say!("{name}: {last} entries, unbroken"),
            Err(fault) => {
                sound = false;
                say!("{name}: BROKEN: {fault}");
            }
        }
    }
    say!("{} logs", chains.len());
    Ok(sound)
}

async fn verify_chain(
    db: &Db,
    chain: Option<WorkspaceId>,
    last: i64,
    head: &str,
) -> anyhow::Result<Result<(), String>> {
    let mut seq = 0;
    let mut previous = audit::GENESIS.to_owned();
    loop {
        let mut tx = db.read().await?;
        let entries = tx.system().audit().read(chain, seq, BATCH).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            // Entries that were added since the head was read are checked too.
            if entry.seq != seq + 1 {
                return Ok(Err(format!("entry {} is missing", seq + 1)));
            }
            if entry.hash != audit::hash(&previous, chain, entry.seq, &entry.act) {
                return Ok(Err(format!("entry {} was changed", entry.seq)));
            }
            if entry.seq == last && entry.hash != head {
                return Ok(Err(format!("entry {last} is not the one that the log ended with")));
            }
            (seq, previous) = (entry.seq, entry.hash);
        }
    }
    Ok(if seq < last { Err(format!("entries after {seq} are missing")) } else { Ok(()) })
}
