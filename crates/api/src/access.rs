//! What callers may do, kept in memory: one look at the database for many requests.
//!
//! [`Accesses`] hears of every commit ([`Listener`]): what a commit changed is forgotten here before the commit's
//! caller goes on, and told to the other processes on the bus. When the bus may have lost something everything is
//! forgotten, and an entry never lives longer than `LIFETIME`, so that a process that hears nothing is wrong for a
//! few seconds at worst.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    ids::{ApiKeyId, ProcessId, SessionId, WorkspaceId},
    session::{Access, Actor},
};
use replyx_live::{Live, Signal};
use replyx_storage::{Committed, Db, Listener, StorageError};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The topic on which processes tell each other whose access has changed, and that settings have.
const TOPIC: &str = "access";
/// How long an entry lives at most: also the longest error of a process that cannot hear the others.
const LIFETIME: Duration = Duration::from_secs(5);
/// How many entries are kept; past that all are forgotten and read again.
const ENTRIES: usize = 50_000;
/// How often uses of API keys are written down.
const NOTE_USES: Duration = Duration::from_secs(10);
/// How many ids one message of the bus carries.
const TOLD_AT_ONCE: usize = 500;

/// By what somebody was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A session, in the workspace that was asked for.
    Session(SessionId, Option<WorkspaceId>),
    /// The hash of an API key.
    Key(String),
}

#[derive(Debug)]
struct Entry {
    access: Arc<Access>,
    read_at: Instant,
    ends_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Credential, Entry>,
    /// Raised by whatever is forgotten, so that what was read before is not kept after.
    generation: u64,
    /// Keys that were used since it was last written down.
    used: HashSet<ApiKeyId>,
    /// What other processes have not been told.
    untold: Vec<Uuid>,
    settings_untold: bool,
}

/// The accesses that this process knows.
#[derive(Debug, Default)]
pub struct Accesses {
    kept: Mutex<Kept>,
    news: Notify,
    /// Rings when settings were changed, here or elsewhere.
    settings: watch::Sender<()>,
}

impl Listener for Accesses {
    fn committed(&self, what: &Committed) {
        if what.access.is_empty() && !what.settings {
            return;
        }
        let mut kept = self.lock();
        kept.forget(&what.access);
        kept.untold.extend(&what.access);
        kept.settings_untold |= what.settings;
        drop(kept);
        if what.settings {
            self.settings.send_replace(());
        }
        self.news.notify_one();
    }
}

impl Kept {
    fn forget(&mut self, changed: &[Uuid]) {
        if changed.is_empty() {
            return;
        }
        self.generation += 1;
        self.entries.retain(|_, entry| !concerns(&entry.access, changed));
    }

    fn forget_all(&mut self) {
        self.generation += 1;
        self.entries.clear();
    }
}

fn concerns(access: &Access, changed: &[Uuid]) -> bool {
    let place = access.place.as_ref().map(|place| place.workspace.id.into_uuid());
    let actor = match &access.actor {
        Actor::User { user, session } => [Some(user.id.into_uuid()), Some(session.into_uuid())],
        Actor::Key { id, .. } => [Some(id.into_uuid()), None],
    };
    actor.into_iter().chain([place]).flatten().any(|id| changed.contains(&id))
}

impl Accesses {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raised by whatever changes anybody's access: what was found before need not hold after.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// What a credential gives access to now; `None` when it gives none.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn of(
        &self,
        db: &Db,
        credential: Credential,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Access>>, StorageError> {
        let generation = {
            let mut kept = self.lock();
            let fresh = kept.entries.get(&credential).filter(|entry| {
                entry.read_at.elapsed() < LIFETIME && entry.ends_at.is_none_or(|end| now < end)
            });
            if let Some(access) = fresh.map(|entry| Arc::clone(&entry.access)) {
                kept.note_use(&access);
                return Ok(Some(access));
            }
            kept.generation
        };
        let read_at = Instant::now();
        let mut tx = db.read().await?;
        let found = match &credential {
            Credential::Session(session, workspace) => {
                let found = tx.system().sessions().access(*session, *workspace, now).await?;
                found.map(|access| (access, None))
            }
            Credential::Key(hash) => tx.system().api_keys().access(hash, now).await?,
        };
        drop(tx);
        metrics::counter!("access_reads_total").increment(1);
        let Some((access, ends_at)) = found else { return Ok(None) };
        let access = Arc::new(access);
        let mut kept = self.lock();
        kept.note_use(&access);
        if kept.generation == generation {
            if kept.entries.len() >= ENTRIES {
                kept.entries.clear();
            }
            kept.entries
                .insert(credential, Entry { access: Arc::clone(&access), read_at, ends_at });
        }
        Ok(Some(access))
    }

    /// Rings whenever settings, providers of models or keys to them were changed after this call, here or in another
    /// process.
    pub fn settings_changed(&self) -> watch::Receiver<()> {
        self.settings.subscribe()
    }

    /// Tells the other processes what changed here, and writes down which keys were used, until stopped.
    pub async fn tell(
        &self,
        db: &Db,
        live: &Live,
        clock: &Clock,
        process: ProcessId,
        stop: CancellationToken,
    ) {
        let mut note = tokio::time::interval(NOTE_USES);
        loop {
            tokio::select! {
                () = self.news.notified() => self.tell_once(live, process).await,
                _ = note.tick() => self.write_uses(db, clock.now()).await,
                () = stop.cancelled() => {
                    self.tell_once(live, process).await;
                    self.write_uses(db, clock.now()).await;
                    return;
                }
            }
        }
    }

    async fn tell_once(&self, live: &Live, process: ProcessId) {
        let (untold, settings) = {
            let mut kept = self.lock();
            (mem::take(&mut kept.untold), mem::take(&mut kept.settings_untold))
        };
        let mut chunks: Vec<&[Uuid]> = untold.chunks(TOLD_AT_ONCE).collect();
        if settings && chunks.is_empty() {
            chunks.push(&[]);
        }
        for ids in chunks {
            let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
            let text = format!("{process} {} {}", u8::from(settings), ids.join(","));
            if let Err(error) = live.publish(TOPIC, text).await {
                // The others hear nothing either, and forget everything every few seconds.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "changes of access could not be told"
                );
            }
        }
    }

    async fn write_uses(&self, db: &Db, now: DateTime<Utc>) {
        let used: Vec<ApiKeyId> = mem::take(&mut self.lock().used).into_iter().collect();
        if used.is_empty() {
            return;
        }
        let written = async {
            let mut tx = db.begin().await?;
            tx.system().api_keys().touch(&used, now).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "uses of keys could not be noted"
            );
        }
    }

    /// Forgets what other processes changed, until stopped.
    pub async fn hear(&self, live: &Live, process: ProcessId, stop: CancellationToken) {
        let mut subscription = live.subscribe(TOPIC).await;
        let own = process.to_string();
        loop {
            let signal = tokio::select! {
                signal = subscription.next() => signal,
                () = stop.cancelled() => return,
            };
            match signal {
                Signal::Gap => {
                    self.lock().forget_all();
                    self.settings.send_replace(());
                }
                Signal::Message(message) => self.heard(&own, &message),
            }
        }
    }

    fn heard(&self, own: &str, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let mut words = text.splitn(3, ' ');
        let (sender, settings, ids) =
            (words.next(), words.next(), words.next().unwrap_or_default());
        if sender == Some(own) {
            return;
        }
        let ids: Vec<Uuid> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
        self.lock().forget(&ids);
        if settings == Some("1") {
            self.settings.send_replace(());
        }
    }
}

impl Kept {
    fn note_use(&mut self, access: &Access) {
        if let Actor::Key { id, .. } = &access.actor {
            self.used.insert(*id);
        }
    }
}
