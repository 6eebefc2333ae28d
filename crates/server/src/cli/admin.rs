//! `replyx admin create|password|role|audit verify`: what has to work when nobody can sign in.
//!
//! A running program obeys at once where it is told by Redis, and else within seconds: what it knows of callers it reads
//! anew every five.

use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use clap::{Subcommand, ValueEnum};
use replyx_api::{access::Accesses, auth::password::Passwords, input::is_email};
use replyx_core::{
    assistant::Language,
    audit::{self, Act, ActorKind, Outcome},
    clock::Clock,
    ids::{UserId, WorkspaceId},
    user::{User, check_password, normal_email},
};
use replyx_live::Live;
use replyx_storage::{Db, Listener, PoolSize, Tx};
use replyx_terminal::{complain, say};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::config::Config;

/// How many entries are checked at once.
const BATCH: u32 = 1000;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes an account with power over the installation. The password is asked for, or read from standard input.
    Create {
        /// The e-mail address.
        email: String,
        /// What the person is called.
        #[arg(long)]
        name: Option<String>,
    },
    /// Sets a new password and ends all sessions of an account.
    Password {
        /// The e-mail address.
        email: String,
    },
    /// Gives an account power over the installation, or takes it.
    Role {
        /// The e-mail address.
        email: String,
        /// What it is to be.
        role: PlatformRole,
    },
    /// The audit logs.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PlatformRole {
    /// Has power over the installation.
    Admin,
    /// Has none.
    User,
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
    db.migrate().await.context("the database cannot be migrated")?;
    let done = match command {
        Command::Create { email, name } => create(&db, &email, name).await.map(|()| true),
        Command::Password { email } => password(&db, &email).await.map(|()| true),
        Command::Role { email, role } => change_role(&db, &email, role).await.map(|()| true),
        Command::Audit { command: AuditCommand::Verify } => verify(&db).await,
    };
    db.close().await;
    tell(config, &accesses).await;
    Ok(if done? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells the running processes whose access has changed, so that their streams end at once.
async fn tell(config: &Config, accesses: &Accesses) {
    let Some(url) = config.redis_url().filter(|_| accesses.has_news()) else { return };
    match Live::redis(url.expose_secret(), config.redis_prefix()).await {
        Ok(live) => accesses.tell_once(&live, Clock::system().id()).await,
        Err(error) => complain!("the running processes hear of it within seconds only: {error}"),
    }
}

async fn create(db: &Db, email: &str, name: Option<String>) -> anyhow::Result<()> {
    let email = normal_email(email);
    ensure!(is_email(&email), "`{email}` is not an e-mail address");
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    ensure!(name.as_ref().is_none_or(|name| name.chars().count() <= 100), "the name is too long");
    let password_hash = new_password().await?;
    let clock = Clock::system();
    let user = User {
        id: clock.id(),
        email: email.clone(),
        name,
        language: Language::English,
        is_admin: true,
        second_factor: false,
        blocked_at: None,
        delete_at: None,
        created_at: clock.now(),
    };
    let mut tx = db.begin().await?;
    if let Err(error) = tx.system().users().insert(&user, &password_hash).await {
        ensure!(
            !error.is_duplicate(),
            "there is an account for `{email}`: see `replyx admin role`"
        );
        return Err(error.into());
    }
    note(&mut tx, &clock, "admin.created", &user, json!({})).await?;
    tx.commit().await?;
    say!("`{email}` is an admin");
    Ok(())
}

async fn password(db: &Db, email: &str) -> anyhow::Result<()> {
    let user = find(db, email).await?;
    let password_hash = new_password().await?;
    let clock = Clock::system();
    let mut tx = db.begin().await?;
    tx.system().users().set_password(user.id, &password_hash).await?;
    tx.system().sessions().revoke_all(user.id, None, clock.now()).await?;
    note(&mut tx, &clock, "password.set", &user, json!({})).await?;
    tx.commit().await?;
    say!("the password of `{}` is set; its sessions have ended", user.email);
    Ok(())
}

async fn change_role(db: &Db, email: &str, role: PlatformRole) -> anyhow::Result<()> {
    let user = find(db, email).await?;
    let is_admin = matches!(role, PlatformRole::Admin);
    let clock = Clock::system();
    let mut tx = db.begin().await?;
    tx.system().users().set_admin(user.id, is_admin).await?;
    note(&mut tx, &clock, "admin.role_changed", &user, json!({"is_admin": is_admin})).await?;
    tx.commit().await?;
    say!("`{}` is {}", user.email, if is_admin { "an admin" } else { "no admin" });
    Ok(())
}

async fn find(db: &Db, email: &str) -> anyhow::Result<User> {
    let email = normal_email(email);
    let found = db.read().await?.system().users().find_by_email(&email).await?;
    let (user, _) = found.with_context(|| format!("there is no account for `{email}`"))?;
    Ok(user)
}

async fn note(
    tx: &mut Tx,
    clock: &Clock,
    action: &str,
    user: &User,
    details: Value,
) -> anyhow::Result<()> {
    let id: UserId = user.id;
    let act = Act {
        at: clock.now(),
        actor: ActorKind::Admin,
        actor_id: None,
        actor_name: "command line".to_owned(),
        action: action.to_owned(),
        target: "user".to_owned(),
        target_id: Some(id.to_string()),
        address: String::new(),
        outcome: Outcome::Done,
        details,
    };
    Ok(tx.system().audit().append(&act).await?)
}

/// Asks for a password, twice at a terminal; elsewhere it is the first line of standard input.
async fn new_password() -> anyhow::Result<String> {
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
    check_password(&password)?;
    let hash = Passwords::default().hash(password).await;
    hash.map_err(|error| anyhow::anyhow!("the password could not be hashed: {error}"))
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
    let (mut seq, mut previous) = (0, audit::GENESIS.to_owned());
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
