//! `replyx doctor`: what is configured, reachable and migrated; each fault with its remedy.
//!
//! Nothing is changed: no folder, key or database is made, no mail is sent; the store of files gets
//! a file that is deleted again. The mail server and Telegram are asked for a sign of life;
//! providers of models are asked, and Telegram about the tokens of bots, only with `--online`. All
//! are asked at once, each for a bounded time.

use std::{fmt, fs, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use replyx_core::clock::Clock;
use replyx_live::Live;
use replyx_llm::{Caller, Embeddings, Models, ModelsConfig, OFFLINE};
use replyx_storage::{Db, PoolSize, neighbours::VectorIndex};
use replyx_terminal::{Color, Painter, say};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

use crate::{
    app,
    config::{Config, Flags, sqlite_file},
};

mod confinement;
mod files;
mod host;
mod mail;
mod online;
mod size;
mod telegram;

/// How long one thing may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Less free space than this is worth a word, bytes.
const LITTLE_SPACE: u64 = 2 << 30;
/// With less than this nothing is stored for long, bytes.
const NO_SPACE: u64 = 100 << 20;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It works.
    Ok,
    /// It works, and there is something to know.
    Note,
    /// It is configured and does not work.
    Fault,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Fault => "FAULT",
        })
    }
}

/// One line of the report.
struct Finding {
    about: &'static str,
    verdict: Verdict,
    text: String,
}

impl Finding {
    fn ok(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Ok, text: text.into() }
    }

    fn note(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Note, text: text.into() }
    }

    fn fault(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Fault, text: text.into() }
    }
}

/// Whom `doctor` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inquiry {
    /// What is here, and whether the Bot API answers.
    Local,
    /// Also the providers of models, and the Bot API about the tokens of bots.
    Online,
}

/// Looks at everything and prints what it found. It fails when something that is configured does
/// not work.
pub async fn run(file: Option<&Path>, inquiry: Inquiry) -> ExitCode {
    const ABOUT: &str = "configuration";
    let findings = match Config::examine(file, std::env::vars().collect(), Flags::new()) {
        Ok((config, faults)) if faults.is_empty() => Box::pin(look(&config, inquiry)).await,
        Ok((_, faults)) => faults.into_iter().map(|text| Finding::fault(ABOUT, text)).collect(),
        Err(error) => vec![Finding::fault(ABOUT, format!("{error:#}"))],
    };
    let painter = Painter::new();
    for Finding { about, verdict, text } in &findings {
        let color = match verdict {
            Verdict::Ok => Color::Green,
            Verdict::Note => Color::Yellow,
            Verdict::Fault => Color::Red,
        };
        let verdict = painter.paint(color, format_args!("{verdict:<6}"));
        say!("{verdict}{about:<15}{text}");
    }
    let faults = findings.iter().filter(|found| found.verdict == Verdict::Fault).count();
    if faults == 0 {
        return ExitCode::SUCCESS;
    }
    say!("\n{faults} {}", if faults == 1 { "fault" } else { "faults" });
    ExitCode::FAILURE
}

async fn look(config: &Config, inquiry: Inquiry) -> Vec<Finding> {
    let (database, size, clock, files, redis, models, embeddings, mail, telegram, confinement) = tokio::join!(
        database(config),
        size::look(config),
        host::clock(config),
        files::look(config),
        redis(config),
        models(config, inquiry),
        embeddings(config, inquiry),
        mail::look(config),
        telegram::look(config, inquiry),
        confinement::look(),
    );

    let mut findings = vec![configuration(config)];
    let suspicions = config.suspicions().iter();
    findings.extend(suspicions.map(|text| Finding::note("configuration", text)));
    findings.extend([data_folder(config), secret_key(config)]);
    findings.extend(host::files(config));
    findings.push(database);
    findings.extend(size);
    findings.extend(clock);
    findings.extend([files, redis]);
    findings.extend(models);
    findings.extend([embeddings, mail]);
    findings.extend(telegram);
    findings.extend(confinement);

    findings
}

fn configuration(config: &Config) -> Finding {
    let bots = match config.public_url() {
        Some(url) if url.starts_with("https://") => format!("bots work by webhook at {url}"),
        _ => "bots work by polling (PUBLIC_URL is not an https address)".to_owned(),
    };
    let kind = if config.is_production() { "production" } else { "development" };
    Finding::ok("configuration", format!("{kind}, listens on {}; {bots}", config.listen()))
}

fn data_folder(config: &Config) -> Finding {
    const ABOUT: &str = "data folder";

    let folder = config.data_dir();
    let shown = folder.display();
    if !folder.exists() {
        return Finding::note(ABOUT, format!("`{shown}` is made at the first start"));
    }

    if let Err(error) = tempfile::Builder::new().prefix(".doctor").tempfile_in(folder) {
        let why = error.kind();
        return Finding::fault(
            ABOUT,
            format!(
                "`{shown}` cannot be written ({why}): give it to the user of the program, or set DATA_DIR"
            ),
        );
    }

    let Ok(space) = rustix::fs::statvfs(folder) else {
        return Finding::note(
            ABOUT,
            format!("`{shown}` can be written; its free space is unknown"),
        );
    };

    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let text = format!("`{shown}`, {:.1} GiB free", free_gib(free));
    match free {
        0..NO_SPACE => Finding::fault(ABOUT, format!("{text}: make room, or set DATA_DIR")),
        NO_SPACE..LITTLE_SPACE => Finding::note(ABOUT, format!("{text}: that is little")),
        _ => Finding::ok(ABOUT, text),
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
fn free_gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

fn secret_key(config: &Config) -> Finding {
    const ABOUT: &str = "secret key";
    let kept = config.data_dir().join("secret.key");
    if !config.has_secret_key() && !kept.exists() {
        return Finding::note(ABOUT, "is made at the first start and kept in DATA_DIR/secret.key");
    }
    if config.empty_secret_key().is_some() {
        return Finding::note(
            ABOUT,
            "DATA_DIR/secret.key is empty: the next start makes a new one, if nothing was sealed with it",
        );
    }
    match config.keys() {
        Err(error) => Finding::fault(
            ABOUT,
            format!(
                "{error:#}: SECRET_KEY needs 32 characters, and those that were used before must not be lost"
            ),
        ),
        Ok(_) if config.has_secret_key() => Finding::ok(ABOUT, "from SECRET_KEY"),
        Ok(_) => Finding::ok(ABOUT, "kept in DATA_DIR/secret.key; keep a copy with your backups"),
    }
}

async fn database(config: &Config) -> Finding {
    const ABOUT: &str = "database";

    let url = config.database_url();
    let kind = if url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" };

    if let Some(path) = sqlite_file(&url)
        && !path.exists()
    {
        return Finding::note(
            ABOUT,
            format!("{kind}, `{}` is made at the first start", path.display()),
        );
    }

    let look = async {
        let db = Db::open(&url, PoolSize { max: 2 }).await.context("it cannot be opened")?;
        let migrations = db.migrations().await.context("its migrations cannot be read");
        let vectors = db.vector_index().await.context("its extensions cannot be read");
        let paused = app::is_paused(&db).await.unwrap_or_default();
        db.close().await;
        Ok::<_, anyhow::Error>((migrations?, vectors?, paused))
    };

    match timeout(PATIENCE, look).await {
        Err(_) => Finding::fault(
            ABOUT,
            format!("{kind} does not answer: check DATABASE_URL and the server"),
        ),
        Ok(Err(error)) => Finding::fault(ABOUT, format!("{kind}: {error:#}: check DATABASE_URL")),
        Ok(Ok((_, _, true))) => Finding::note(
            ABOUT,
            format!("{kind}, restored from a backup and paused: `replyx resume` lets it work"),
        ),
        Ok(Ok((migrations, vectors, false))) => {
            let pending = migrations.iter().filter(|migration| !migration.applied).count();
            if pending == 0 {
                let vectors = nearest_vectors(&vectors);
                Finding::ok(
                    ABOUT,
                    format!("{kind}, all {} migrations applied{vectors}", migrations.len()),
                )
            } else {
                Finding::note(
                    ABOUT,
                    format!(
                        "{kind}, {pending} migrations pending: the next start applies them, or `replyx migrate up`"
                    ),
                )
            }
        }
    }
}

/// What is to be said of large assistants, whose vectors a database may hold.
fn nearest_vectors(index: &VectorIndex) -> String {
    match (index, index.lack()) {
        (VectorIndex::Ready(version), _) => format!("; pgvector {version} finds nearest vectors"),
        (_, Some(lack)) => format!("; {lack} (assistants that do not fit in memory go by words)"),
        (_, None) => String::new(),
    }
}

async fn redis(config: &Config) -> Finding {
    const ABOUT: &str = "live state";
    let Some(url) = config.redis_url() else {
        return Finding::ok(ABOUT, "in this process; several processes need REDIS_URL");
    };
    let look = async {
        let live = Live::redis(url.expose_secret(), config.redis_prefix()).await?;
        live.health().await
    };
    match timeout(PATIENCE, look).await {
        Ok(Ok(())) => Finding::ok(ABOUT, "Redis answers"),
        Ok(Err(error)) => Finding::fault(
            ABOUT,
            format!("Redis: {:#}: check REDIS_URL and the server", anyhow::Error::from(error)),
        ),
        Err(_) => Finding::fault(ABOUT, "Redis does not answer: check REDIS_URL and the server"),
    }
}

async fn models(config: &Config, inquiry: Inquiry) -> Vec<Finding> {
    const ABOUT: &str = "models";

    let models = match config.models() {
        Ok(models) => models,
        Err(error) => return vec![Finding::fault(ABOUT, format!("{error:#}"))],
    };

    let mut findings = Vec::new();
    for provider in &models.providers {
        let mut keys = models.keys.iter().filter(|key| key.provider == provider.name).peekable();
        if keys.peek().is_none() && !provider.keyless {
            continue;
        }

        let name = &provider.name;
        if inquiry == Inquiry::Online {
            let key = keys.next().map(|key| &key.secret);
            findings.push(match online::provider(provider, key).await {
                Ok(()) => Finding::ok(ABOUT, format!("`{name}` answers")),
                Err(why) => Finding::fault(ABOUT, format!("`{name}`: {why}")),
            });
        } else {
            let has = if keys.peek().is_some() { "has a key" } else { "needs no key" };
            findings.push(Finding::ok(ABOUT, format!("`{name}` {has}; `--online` asks it")));
        }
    }
    let has_key = !findings.is_empty();
    match left_out(models) {
        Ok(sentences) => {
            findings.extend(sentences.into_iter().map(|text| Finding::note(ABOUT, text)));
        }
        Err(error) => findings.push(Finding::fault(ABOUT, format!("{error:#}"))),
    }
    if !has_key {
        findings.push(Finding::note(
            ABOUT,
            "no key is configured: answers are quoted from the documents, unless an admin has added keys; \
             set OPENAI_API_KEY or ANTHROPIC_API_KEY for more",
        ));
    }

    findings
}

/// What the list of allowed models leaves out of what the configuration names.
fn left_out(config: ModelsConfig) -> anyhow::Result<Vec<String>> {
    let models = Models::new(config, Live::in_process(), Clock::system())?;
    Ok(models.left_out())
}

async fn embeddings(config: &Config, inquiry: Inquiry) -> Finding {
    const ABOUT: &str = "embeddings";
    const WORDS: &str = "search goes by words alone";

    let settings = match config.embeddings() {
        Ok(settings) => settings,
        Err(error) => return Finding::fault(ABOUT, format!("{error:#}")),
    };

    let wished = settings.model.clone();
    let folder = settings.model_dir.clone();
    let embeddings = match Embeddings::new(settings) {
        Ok(embeddings) => embeddings,
        Err(error) => return Finding::fault(ABOUT, format!("{:#}", anyhow::Error::from(error))),
    };

    let Some(model) = embeddings.model() else {
        let why = embeddings.state().reason.unwrap_or_default();
        return match wished.as_deref() {
            Some("none") => Finding::note(ABOUT, format!("{WORDS}: {why}")),
            Some(name) => Finding::fault(ABOUT, format!("`{name}` does not work: {why}; {WORDS}")),
            None if fs::exists(folder.join(replyx_llm::OFFLINE_FILE)).unwrap_or(false) => {
                Finding::fault(ABOUT, format!("{why}; {WORDS}"))
            }
            None => Finding::note(ABOUT, format!("{WORDS}: {why}")),
        };
    };

    if model != OFFLINE && inquiry == Inquiry::Local {
        return Finding::ok(ABOUT, format!("`{model}` over HTTP; `--online` asks it"));
    }

    let begun = Instant::now();
    match timeout(PATIENCE * 6, embeddings.query(Caller::default(), model, "doctor")).await {
        Ok(Ok(question)) => Finding::ok(
            ABOUT,
            format!(
                "`{model}`, {} dimensions, {} ms to begin",
                question.vector.len(),
                begun.elapsed().as_millis()
            ),
        ),
        Ok(Err(error)) => {
            Finding::fault(ABOUT, format!("`{model}`: {:#}; {WORDS}", anyhow::Error::from(error)))
        }
        Err(_) => Finding::fault(ABOUT, format!("`{model}` does not answer; {WORDS}")),
    }
}
