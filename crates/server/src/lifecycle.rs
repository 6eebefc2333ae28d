//! The life of a process: start, heartbeat, and an end that loses nothing.
//!
//! An end comes in three steps within ten seconds: intake stops (no requests, no updates, no new
//! turns); running turns finish, while delivery goes on sending what they settle; then this process
//! deregisters, and its claims are released at once.

use std::{future::Future, io::Write, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use replyx_api::access::Accesses;
use replyx_billing::welcome;
use replyx_crawl::Fetcher;
use replyx_engine::{Engine, delivery, queue};
use replyx_fleet::Fleet;
use replyx_jobs::JobContext;
use replyx_knowledge::sources::Parking;
use replyx_storage::until_stored;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{self, App},
    banner::{self, Started},
    config::Config,
    confinement,
    files::OpenFiles,
    heart::{self, Heart},
    keys, privacy,
    roles::Roles,
    slot::{Occupancy, Slot},
};

mod serving;

use serving::{Served, Serving};

/// How long running turns and jobs may take to finish when the process stops.
const FINISH_TURNS: Duration = Duration::from_secs(6);
/// How long sends under way may take to finish after that.
const FINISH_SENDS: Duration = Duration::from_secs(2);

/// A program that runs.
pub struct Running {
    /// Who it is; held until the end.
    slot: Slot,
    /// What it works with.
    pub engine: Arc<Engine>,
    /// Where it listens: for everything with the role `http`, else for health and metrics, if it
    /// does.
    pub address: Option<std::net::SocketAddr>,
    /// Is there no account yet?
    pub is_new: bool,
    intake: Intake,
    work: Work,
}

/// What takes in: stopped first.
struct Intake {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// What works off: stopped when the turns are done.
struct Work {
    turns: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Runs until SIGTERM or SIGINT.
pub async fn serve(config: Config, roles: Roles) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    for suspicion in config.suspicions() {
        tracing::warn!("{suspicion}");
    }
    let running = start(&config, roles).await?;
    if let Some(address) = running.address {
        // For a caller that started us with port 0; one that does not listen is no reason to stop.
        let engine = &running.engine;
        if roles.http {
            banner::show(&config, &Started { engine, address, is_new: running.is_new });
        }
        let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    }
    let db = running.engine.db.clone();
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
        () = db.turned_foreign() => {
            running.abandon();
            bail!(
                "the database belongs to another installation than the one this process was started with: it was \
                 created again or replaced by another one; start the program again to work on it"
            );
        }
    }
    running.stop().await;
    Ok(())
}

fn log_start(engine: &Engine, address: Option<std::net::SocketAddr>, begun: Instant) {
    tracing::info!(
        database = engine.db.backend(),
        live = engine.live.backend(),
        embeddings = engine.embeddings.model().unwrap_or("none"),
        address = address.map(tracing::field::display),
        process.id = %engine.process,
        duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "started"
    );
}

/// Starts the roles.
pub async fn start(config: &Config, roles: Roles) -> anyhow::Result<Running> {
    let begun = Instant::now();
    let files = OpenFiles::raise();
    let clock = heart::machine_clock();
    let is_alone = config.database_url().starts_with("sqlite:");
    let name = if is_alone { "process".to_owned() } else { roles.name() };
    let occupancy = if is_alone { Occupancy::Exclusive } else { Occupancy::Shared };
    let slot = Slot::take(config.data_dir(), &name, occupancy, &clock)?;
    privacy::repair(config);
    app::mend_secret_key(config).await?;
    let App { engine, accesses, starting } = app::connect(config, slot.id, clock).await?;
    let roles = permitted(&engine, roles).await?;
    let heart = Heart::begin(&engine).await?;
    // From now on the heartbeat tells that this process needs the schema.
    starting.release().await?;
    let intake_stop = CancellationToken::new();
    let work_stop = CancellationToken::new();
    let mut intake = Vec::new();
    let mut turns = Vec::new();
    let mut tasks = background(&engine, heart, &work_stop);
    tasks.extend(watch_access(&engine, &accesses, &work_stop));
    tasks.push(tune(&engine, &accesses, &work_stop).await?);
    let Engine { db, tuning, clock, .. } = &*engine;
    welcome::welcome_all(db, &config.billing(), tuning, clock).await?;
    tasks.extend(keys::start(&engine, accesses.settings_changed(), &work_stop).await?);

    if roles.worker {
        turns.push(tokio::spawn(queue::work(Arc::clone(&engine), intake_stop.clone())));
        let context = job_context(config, &intake_stop)?;
        let jobs = replyx_jobs::work(Arc::clone(&engine), context, intake_stop.clone());
        turns.push(tokio::spawn(jobs));
        tasks.push(tokio::spawn(delivery::work(Arc::clone(&engine), work_stop.clone())));
    }
    if roles.bots {
        let public_url = config.public_url().map(str::to_owned);
        let fleet = Fleet::new(Arc::clone(&engine), public_url, files.bots());
        intake.push(tokio::spawn(fleet.run(intake_stop.clone())));
    }
    let serving = Serving { config, roles, files: &files, stop: &intake_stop };
    let served = serving.begin(&engine, accesses, &work_stop).await?;
    let (address, is_new) = served.as_ref().map_or((None, false), Served::told);
    if let Some(Served { server, watching, .. }) = served {
        intake.push(server);
        tasks.extend(watching);
    }
    if roles.worker {
        // Last: the metrics must be there.
        tokio::spawn(confinement::tell(app::program()?));
    }
    log_start(&engine, address, begun);
    Ok(Running {
        slot,
        engine,
        address,
        is_new,
        intake: Intake { stop: intake_stop, tasks: intake },
        work: Work { turns, stop: work_stop, tasks },
    })
}

/// The roles that may run: of a restored home that nobody has resumed, only the one that sends
/// nothing by itself.
async fn permitted(engine: &Engine, roles: Roles) -> anyhow::Result<Roles> {
    if !app::is_paused(&engine.db).await? {
        return Ok(roles);
    }
    ensure!(
        roles.http,
        "the installation was restored from a backup and is paused: `replyx resume` lets it work"
    );
    tracing::warn!(
        "the installation was restored from a backup and is paused: nothing is sent, polled or answered until \
         `replyx resume` and a restart"
    );
    Ok(Roles { worker: false, bots: false, ..roles })
}

/// What jobs work with.
fn job_context(config: &Config, stop: &CancellationToken) -> anyhow::Result<JobContext> {
    Ok(JobContext {
        program: app::program()?,
        post: config.post()?,
        product: config.product(),
        fetcher: Fetcher::new(&config.crawling(app::program()?))?,
        parking: Parking::default(),
        stop: stop.clone(),
    })
}

impl Running {
    /// Ends it. Nothing is lost: what cannot be finished in time is handed back.
    pub async fn stop(self) {
        let begun = Instant::now();
        tracing::info!("stopping");
        self.intake.stop.cancel();
        let turns = all(self.work.turns);
        if timeout(FINISH_TURNS, async { tokio::join!(all(self.intake.tasks), turns) })
            .await
            .is_err()
        {
            tracing::warn!("running turns are released");
        }
        self.work.stop.cancel();

        if timeout(FINISH_SENDS, all(self.work.tasks)).await.is_err() {
            tracing::warn!("sends in progress are uncertain");
        }
        if timeout(FINISH_SENDS, self.engine.models.flush()).await.is_err() {
            tracing::warn!("model calls in progress are recorded with their maximum cost");
        }

        if let Err(error) = heart::leave(&self.engine).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "could not deregister the process");
        }

        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(duration_ms, "stopped");
        self.engine.db.close().await;
        drop(self.slot);
    }
}

impl Running {
    /// Ends it without touching the database, which is somebody else's.
    fn abandon(self) {
        self.intake.stop.cancel();
        self.work.stop.cancel();
        drop(self.slot);
    }
}

async fn all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(error = &error as &dyn std::error::Error, "background task failed");
        }
    }
}

/// Heartbeat and the bell's connection to other processes.
fn background(engine: &Arc<Engine>, heart: Heart, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let beating = heart.beat(Arc::clone(engine), stop.clone());
    let tell = {
        let engine = Arc::clone(engine);
        let stop = stop.clone();
        async move { engine.bell.tell(&engine.live, engine.process, stop).await }
    };
    let hear = {
        let engine = Arc::clone(engine);
        let stop = stop.clone();
        async move { engine.bell.hear(&engine.live, engine.process, stop).await }
    };
    vec![spawn(beating), spawn(tell), spawn(hear)]
}

/// Whose access changed here is told to the other processes, and the other way round.
fn watch_access(
    engine: &Arc<Engine>,
    accesses: &Arc<Accesses>,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let tell = {
        let engine = Arc::clone(engine);
        let accesses = Arc::clone(accesses);
        let stop = stop.clone();
        async move {
            let Engine { db, live, clock, process, .. } = &*engine;
            accesses.tell(db, live, clock, *process, stop).await;
        }
    };
    let hear = {
        let engine = Arc::clone(engine);
        let accesses = Arc::clone(accesses);
        let stop = stop.clone();
        async move { accesses.hear(&engine.live, engine.process, stop).await }
    };
    vec![spawn(tell), spawn(hear)]
}

/// Reads the settings, now and whenever an admin has changed one.
async fn tune(
    engine: &Arc<Engine>,
    accesses: &Accesses,
    stop: &CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    engine.tuning.reload(&engine.db).await.context("the settings cannot be read")?;
    let changes = accesses.settings_changed();
    Ok(spawn(retune(Arc::clone(engine), changes, stop.clone())))
}

/// How often the settings are read again although nobody told of a change: a message can be lost.
const READ_SETTINGS: Duration = Duration::from_secs(30);

/// Reads the settings again whenever an admin has changed one, and by the clock, until stopped.
async fn retune(engine: Arc<Engine>, mut changes: watch::Receiver<()>, stop: CancellationToken) {
    loop {
        tokio::select! {
            news = changes.changed() => if news.is_err() { return },
            () = sleep(READ_SETTINGS) => {}
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = until_stored("read the settings", || engine.tuning.reload(&engine.db)) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}
