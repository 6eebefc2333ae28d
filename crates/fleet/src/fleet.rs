//! The bot fleet: makes the bots that run match the bots that should.
//!
//! [`Fleet::run`] compares the database with what runs here, whenever the bell rings and every few
//! seconds. It takes no other input, so it can be repeated at any time and survives whatever
//! happened before. A bot that polls is held by a lease: one process of the installation polls it,
//! and if that one dies another takes over.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use replyx_channels::telegram::{BotClient, TelegramError};
use replyx_core::{
    bot::{BotMode, Reachability},
    ids::ChannelId,
};
use replyx_engine::Engine;
use replyx_storage::{StorageError, bots::Credentials};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    commands,
    failure::fail,
    hooks,
    poller::{self, Turn},
};

/// How often to compare when nobody rings.
const EVERY: Duration = Duration::from_secs(5);
/// How many bots are loaded at once.
const PAGE: u32 = 500;
/// How many bots are begun or ended at once: one that Telegram keeps waiting must not hold up the
/// others.
const AT_ONCE: usize = 32;
/// How long beginning a bot may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long pollers may take to end when the process stops.
const FINISH: Duration = Duration::from_secs(3);
/// How long a menu of commands that could not be set is left alone.
const MENUS_AGAIN: Duration = Duration::from_mins(1);
/// How many webhook calls of one bot Telegram makes at once.
const HOOK_CONNECTIONS: u8 = 40;

/// The bots that run in this process.
pub struct Fleet {
    engine: Arc<Engine>,
    public_url: Option<String>,
    /// How many bots may poll here: each keeps a file open.
    most: usize,
    /// Their places.
    places: Arc<Semaphore>,
    running: HashMap<ChannelId, Running>,
    /// How many bots nobody polled when this process had no place for them.
    left: usize,
    menus: Menus,
}

/// The menus of commands that are being set.
#[derive(Default)]
struct Menus {
    /// `false`: some could not be set.
    task: Option<JoinHandle<bool>>,
    /// When they are compared again after some could not be set.
    again: Option<Instant>,
}

/// How a bot is to get its updates, and with what.
type Desired = (BotMode, Credentials);

/// A bot that runs here, and with which token.
struct Running {
    token_sealed: Vec<u8>,
    bot: RunningBot,
}

/// How a bot runs here.
enum RunningBot {
    Polling {
        stop: CancellationToken,
        task: JoinHandle<()>,
        /// Free when the bot no longer runs here.
        _place: OwnedSemaphorePermit,
    },
    /// Telegram calls us; nothing runs. Kept to take the webhook back.
    Hooked(BotClient),
}

impl Fleet {
    /// An empty fleet, in which `most` bots may poll. With a public https address bots work by
    /// webhook unless told otherwise.
    pub fn new(engine: Arc<Engine>, public_url: Option<String>, most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            engine,
            public_url,
            most,
            places,
            running: HashMap::new(),
            left: 0,
            menus: Menus::default(),
        }
    }

    /// Reconciles until stopped, then ends the pollers. Webhooks stay: Telegram keeps what we do
    /// not take.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.reconcile().await {
                tracing::error!(error = &error as &dyn Error, "could not reconcile the bot fleet");
            }
            tokio::select! {
                () = self.engine.bell.bots(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }

        self.menus.task.take().inspect(JoinHandle::abort);
        let mut tasks = Vec::new();
        for bot in std::mem::take(&mut self.running).into_values() {
            if let RunningBot::Polling { stop, task, .. } = bot.bot {
                stop.cancel();
                tasks.push(task);
            }
        }

        let ended = timeout(FINISH, async {
            for task in tasks {
                let _ = task.await;
            }
        });

        if ended.await.is_err() {
            tracing::warn!("pollers were stopped before they finished");
        }
    }

    async fn reconcile(&mut self) -> Result<(), StorageError> {
        let desired = self.desired().await?;
        metrics::gauge!("telegram_total_bots").set(count(desired.len()));
        let surplus: Vec<ChannelId> = self
            .running
            .iter()
            .filter(|(id, running)| {
                let Some((mode, credentials)) = desired.get(*id) else { return true };
                running.token_sealed != credentials.token_sealed || !running.bot.runs(*mode)
            })
            .map(|(id, _)| *id)
            .collect();
        let surplus = surplus.into_iter().filter_map(|id| self.running.remove(&id));
        let surplus = surplus.map(|running| end(running.bot));
        stream::iter(surplus).buffer_unordered(AT_ONCE).collect::<()>().await;

        let menus = desired.values().filter(|(_, found)| commands::differ(found));
        let menus: Vec<Credentials> = menus.map(|(_, found)| found.clone()).collect();
        let fleet = &*self;
        let fresh = desired.into_iter().filter(|(id, _)| !fleet.running.contains_key(id));
        let fresh = fresh.map(|(id, (mode, credentials))| async move {
            let token_sealed = credentials.token_sealed.clone();
            // One that is not answered in time is tried again by the next comparison.
            let begun = timeout(PATIENCE, fleet.begin(mode, credentials)).await.ok().flatten();
            begun.map(|begun| (id, token_sealed, begun))
        });
        let begun: Vec<_> = stream::iter(fresh).buffer_unordered(AT_ONCE).collect().await;

        let mut left = 0;
        for (id, token_sealed, begun) in begun.into_iter().flatten() {
            match begun {
                BotStart::Runs(bot) => drop(self.running.insert(id, Running { token_sealed, bot })),
                BotStart::Left => left += 1,
            }
        }
        metrics::gauge!("telegram_bots_running").set(count(self.running.len()));
        self.note_left(left);
        self.set_menus(menus).await;
        Ok(())
    }

    /// Sets the menus of those of these bots that run here. Receiving does not wait for it.
    async fn set_menus(&mut self, mut bots: Vec<Credentials>) {
        if let Some(task) = self.menus.task.take_if(|task| task.is_finished())
            && task.await.is_ok_and(|all| !all)
        {
            self.menus.again = Some(Instant::now() + MENUS_AGAIN);
        }
        let is_due = self.menus.again.is_none_or(|again| again <= Instant::now());
        bots.retain(|found| self.running.contains_key(&found.bot.id));
        if bots.is_empty() || self.menus.task.is_some() || !is_due {
            return;
        }

        self.menus.again = None;
        self.menus.task = Some(tokio::spawn(commands::set(Arc::clone(&self.engine), bots)));
    }

    /// Says how many bots are left that nobody polls.
    fn note_left(&mut self, left: usize) {
        metrics::gauge!("telegram_bots_left").set(count(left));
        if left > 0 && self.left == 0 {
            tracing::error!(
                bots.polling_most = self.most,
                bots.left = left,
                "this process polls as many bots as it may have files open for, and leaves the others \
                 to other processes; raise the limit of open files (`ulimit -n`, `LimitNOFILE`) and \
                 restart"
            );
        }
        self.left = left;
    }

    /// The bots that should run, each with the way it is to get its updates.
    async fn desired(&self) -> Result<HashMap<ChannelId, Desired>, StorageError> {
        let reachability = match &self.public_url {
            Some(url) if url.starts_with("https:") => Reachability::PublicHttps,
            _ => Reachability::Unreachable,
        };
        let mut desired = HashMap::new();
        let mut after = None;
        loop {
            let page = self.engine.db.read().await?.system().bots().running(after, PAGE).await?;
            after = page.last().map(|found| found.bot.id);
            let full = page.len() == PAGE as usize;
            for found in page {
                desired.insert(found.bot.id, (found.bot.mode.resolve(reachability), found));
            }
            if !full {
                return Ok(desired);
            }
        }
    }

    async fn begin(&self, mode: BotMode, credentials: Credentials) -> Option<BotStart> {
        let id = credentials.bot.id;
        let Ok(token) = self.engine.keys.open(&credentials.token_sealed, id.into_uuid().as_bytes())
        else {
            fail(&self.engine, &credentials, "its token cannot be opened with this SECRET_KEY")
                .await;
            return None;
        };
        let client = self.engine.channels.telegram.bot(&token);
        if mode == BotMode::Polling {
            let Engine { live, process, .. } = &*self.engine;
            let (right, place) = match poller::turn(live, *process, id, &self.places).await {
                Turn::Ours(right, place) => (right, place),
                Turn::Others => return None,
                Turn::NoPlace => return Some(BotStart::Left),
            };
            let stop = CancellationToken::new();
            let poller = poller::Poller::new(Arc::clone(&self.engine), credentials, client);
            let task = tokio::spawn(poller.run(right, stop.clone()));
            return Some(BotStart::Runs(RunningBot::Polling { stop, task, _place: place }));
        }

        let Some(public_url) = &self.public_url else {
            fail(&self.engine, &credentials, "a webhook needs PUBLIC_URL to be set").await;
            return None;
        };

        let url = format!("{public_url}{}{}", hooks::PATH, credentials.hook_path);
        let secret = hooks::secret_token(&self.engine.keys, id);
        match client.set_webhook(&url, &secret, HOOK_CONNECTIONS).await {
            Ok(()) => Some(BotStart::Runs(RunningBot::Hooked(client))),
            Err(error @ (TelegramError::Unauthorized | TelegramError::Refused { .. })) => {
                fail(&self.engine, &credentials, &error.to_string()).await;
                None
            }
            Err(error) => {
                tracing::warn!(bot.id = %id, error = &error as &dyn Error, "could not set the webhook");
                None
            }
        }
    }
}

/// What came of beginning a bot.
enum BotStart {
    Runs(RunningBot),
    /// Nobody polls it, and there is no place for it here.
    Left,
}

impl RunningBot {
    /// Does it run, and in this way?
    fn runs(&self, mode: BotMode) -> bool {
        match self {
            Self::Polling { task, .. } => mode == BotMode::Polling && !task.is_finished(),
            Self::Hooked(_) => mode == BotMode::Webhook,
        }
    }
}

async fn end(bot: RunningBot) {
    match bot {
        RunningBot::Polling { stop, task, .. } => {
            stop.cancel();
            let _ = timeout(FINISH, task).await;
        }
        RunningBot::Hooked(client) => match timeout(FINISH, client.delete_webhook()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::info!(error = &error as &dyn Error, "could not delete a webhook");
            }
            Err(_) => tracing::info!("deleting a webhook timed out"),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge needs no more than 52 bits")]
const fn count(number: usize) -> f64 {
    number as f64
}
