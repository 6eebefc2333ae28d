//! What callers may do, kept in memory: one look at the database for many requests.
//!
//! [`Accesses`] hears of every commit ([`Listener`]): what a commit changed is forgotten here
//! before the commit's caller goes on, and told to the other processes on the bus. When the bus may
//! have lost something everything is forgotten, and an entry never lives longer than `LIFETIME`, so
//! that a process that hears nothing is wrong for a few seconds at worst.
//!
//! A stream that outlives its request watches its access ([`Accesses::watch`]) and looks again when
//! it may have changed.

mod watch;

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_accounts::keys;
use replyx_core::{
    clock::Clock,
    ids::{ApiKeyId, ProcessId, SessionId, WorkspaceId},
    session::{Access, Principal},
};
use replyx_live::{Live, News, NewsSignal, Topic};
use replyx_storage::{Committed, Db, Listener, StorageError};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, watch as channel},
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use watch::Watchers;

/// How long an entry lives at most: also the longest error of a process that cannot hear the
/// others.
pub(crate) const LIFETIME: Duration = Duration::from_secs(5);
/// How long a look waits at most for another look at the same credential.
const TURN: Duration = Duration::from_secs(1);
/// How many entries are kept; past that all are forgotten and read again.
const ENTRIES: usize = 50_000;
/// How often uses of API keys are written down.
const NOTE_USES: Duration = Duration::from_secs(10);
/// How many ids one message of the bus carries.
const TOLD_AT_ONCE: usize = 500;
/// How many ids wait at most to be told while the bus is away.
const MOST_UNSENT: usize = 10_000;
/// How often it is tried to tell what could not be told.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// By what somebody was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Credential {
    /// A session, in the workspace that was asked for.
    Session(SessionId, Option<WorkspaceId>),
    /// The hash of an API key.
    Key(String),
}

/// How new what is known of an access must be.
#[derive(Clone, Copy, Debug)]
pub enum Freshness {
    /// A few seconds old at most, unless it is known to have changed.
    Lately,
    /// Read from the database after this instant, whatever this process has heard.
    Instant(Instant),
}

/// An access, and when it ends by itself.
#[derive(Clone, Debug)]
pub struct SeenAccess {
    /// What it gives access to.
    pub access: Arc<Access>,
    /// When an API key ends, if it does.
    pub ends_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Entry {
    seen: SeenAccess,
    read_at: Instant,
}

impl Entry {
    fn is_good(&self, now: DateTime<Utc>, since: Freshness) -> bool {
        let is_new = match since {
            Freshness::Lately => self.read_at.elapsed() < LIFETIME,
            Freshness::Instant(instant) => self.read_at >= instant,
        };
        is_new && self.seen.ends_at.is_none_or(|end| now < end)
    }
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Credential, Entry>,
    /// Raised by whatever is forgotten, so that what was read before is not kept after.
    generation: u64,
    /// Keys that were used since it was last written down.
    used: HashSet<ApiKeyId>,
    /// What other processes have not been told.
    unsent: Vec<Uuid>,
    settings_unsent: bool,
}

/// The accesses that this process knows.
#[derive(Debug, Default)]
pub struct Accesses {
    kept: Mutex<Kept>,
    news: Notify,
    watchers: Watchers,
    /// Rings when settings were changed, here or elsewhere.
    settings: channel::Sender<()>,
    /// Streams of one credential that must read it again ask the database once.
    turns: Turns,
}

/// A lock for each credential; a few share one.
#[derive(Debug)]
struct Turns([tokio::sync::Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

impl Turns {
    async fn take(&self, credential: &Credential) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(credential);
        let place = usize::try_from(hash % self.0.len() as u64).unwrap_or_default();
        self.0[place].lock().await
    }
}

impl Listener for Accesses {
    fn committed(&self, what: &Committed) {
        if what.access.is_empty() && !what.settings {
            return;
        }
        let mut kept = self.lock();
        kept.forget(&what.access);
        kept.unsent.extend(&what.access);
        kept.settings_unsent |= what.settings;
        drop(kept);
        self.watchers.ring(&what.access);
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
        self.entries.retain(|_, entry| !concerns(&entry.seen.access, changed));
    }

    fn forget_all(&mut self) {
        self.generation += 1;
        self.entries.clear();
    }
}

fn concerns(access: &Access, changed: &[Uuid]) -> bool {
    watch::ids(access).any(|id| changed.contains(&id))
}

/// Watches one access, until dropped.
#[derive(Debug)]
pub struct Watch {
    accesses: Arc<Accesses>,
    number: u64,
    version: channel::Receiver<u64>,
    /// The version that has been looked at.
    looked_at: u64,
}

impl Watch {
    /// What to hand to [`Self::looked`] after a look that begins now.
    pub fn version(&self) -> u64 {
        *self.version.borrow()
    }

    /// What changed up to this version has been looked at.
    pub const fn looked(&mut self, version: u64) {
        self.looked_at = version;
    }

    /// Waits until the access may have changed since the last look. May be cancelled without loss.
    pub async fn stirred(&mut self) {
        let looked_at = self.looked_at;
        if self.version.wait_for(|version| *version != looked_at).await.is_err() {
            // Nobody rings any more; the watcher looks by the clock.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.accesses.watchers.remove(self.number);
    }
}

impl Accesses {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raised by whatever changes anybody's access: what was found before need not hold after.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// What a credential gives access to now; `None` when it gives none. It counts as used.
    pub async fn of(
        &self,
        db: &Db,
        credential: Credential,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Access>>, StorageError> {
        let seen = self.look(db, &credential, now, Freshness::Lately).await?;
        let Some(SeenAccess { access, .. }) = seen else { return Ok(None) };
        self.lock().note_use(&access);
        Ok(Some(access))
    }

    /// As [`Self::of`], as new as is asked for; it is no use of a key.
    pub async fn look(
        &self,
        db: &Db,
        credential: &Credential,
        now: DateTime<Utc>,
        since: Freshness,
    ) -> Result<Option<SeenAccess>, StorageError> {
        if let Ok(seen) = self.known(credential, now, since) {
            return Ok(Some(seen));
        }
        // A frame goes to many streams at once, which all need to know what is newer than it.
        // The turn saves work and no more: nobody waits long for it.
        let _turn = match since {
            Freshness::Lately => None,
            Freshness::Instant(_) => timeout(TURN, self.turns.take(credential)).await.ok(),
        };
        let generation = match self.known(credential, now, since) {
            Ok(seen) => return Ok(Some(seen)),
            Err(generation) => generation,
        };
        let read_at = Instant::now();
        // In memory of its own: ten thousand streams wait here for what seldom happens.
        let seen = Box::pin(read(db, credential, now)).await?;
        metrics::counter!("access_reads_total").increment(1);

        let mut kept = self.lock();
        if kept.generation == generation {
            match &seen {
                Some(seen) => kept.keep(credential.clone(), Entry { seen: seen.clone(), read_at }),
                // What was believed until now is not true any more.
                None => drop(kept.entries.remove(credential)),
            }
        }
        Ok(seen)
    }

    /// What is kept of a credential and is new enough, or the generation of what is kept.
    fn known(
        &self,
        credential: &Credential,
        now: DateTime<Utc>,
        since: Freshness,
    ) -> Result<SeenAccess, u64> {
        let kept = self.lock();
        let known = kept.entries.get(credential).filter(|entry| entry.is_good(now, since));
        known.map(|entry| entry.seen.clone()).ok_or(kept.generation)
    }

    /// Watches what this access depends on.
    pub fn watch(self: &Arc<Self>, access: &Access) -> Watch {
        let (number, version) = self.watchers.add(access);
        Watch { accesses: Arc::clone(self), number, version, looked_at: 0 }
    }

    /// Rings whenever settings, providers of models or keys to them were changed after this call,
    /// here or in another process.
    pub fn settings_changed(&self) -> channel::Receiver<()> {
        self.settings.subscribe()
    }

    /// Tells the other processes what changed here, and writes down which keys were used, until
    /// stopped.
    pub async fn tell(
        &self,
        db: &Db,
        live: &Live,
        clock: &Clock,
        process: ProcessId,
        stop: CancellationToken,
    ) {
        let mut note = tokio::time::interval(NOTE_USES);
        let mut again = tokio::time::interval(TELL_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.news.notified() => self.tell_once(live, process).await,
                _ = again.tick(), if self.has_news() => self.tell_once(live, process).await,
                _ = note.tick() => self.write_uses(db, clock.now()).await,
                () = stop.cancelled() => {
                    self.tell_once(live, process).await;
                    self.write_uses(db, clock.now()).await;
                    return;
                }
            }
        }
    }

    /// Whether there is something that other processes have not been told.
    pub fn has_news(&self) -> bool {
        let kept = self.lock();
        !kept.unsent.is_empty() || kept.settings_unsent
    }

    /// Tells the other processes what changed here and they have not been told.
    pub async fn tell_once(&self, live: &Live, process: ProcessId) {
        let (unsent, settings) = {
            let mut kept = self.lock();
            (mem::take(&mut kept.unsent), mem::take(&mut kept.settings_unsent))
        };
        let mut news: Vec<News> =
            unsent.chunks(TOLD_AT_ONCE).map(|ids| News::Access { ids: ids.to_vec() }).collect();
        if settings {
            news.push(News::Settings);
        }

        for (told, one) in news.iter().enumerate() {
            if let Err(error) = live.tell(process, one).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not publish changes of access or settings"
                );
                self.put_back(&news[told..]);
                return;
            }
        }
    }

    /// Keeps what could not be told until the next try.
    fn put_back(&self, unsent: &[News]) {
        let mut kept = self.lock();
        for news in unsent {
            match news {
                News::Access { ids } => kept.unsent.extend(ids),
                _ => kept.settings_unsent = true,
            }
        }
        if kept.unsent.len() > MOST_UNSENT {
            // The others read each of these accesses again within seconds, told or not.
            kept.unsent.clear();
        }
    }

    async fn write_uses(&self, db: &Db, now: DateTime<Utc>) {
        let used: Vec<ApiKeyId> = mem::take(&mut self.lock().used).into_iter().collect();
        if used.is_empty() {
            return;
        }
        if let Err(error) = keys::record_uses(db, &used, now).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not record the use of API keys"
            );
        }
    }

    /// Forgets what other processes changed, until stopped.
    pub async fn hear(&self, live: &Live, process: ProcessId, stop: CancellationToken) {
        let mut access = live.listen(&Topic::Access, process).await;
        let mut settings = live.listen(&Topic::Settings, process).await;
        loop {
            let heard = tokio::select! {
                heard = access.next() => heard,
                heard = settings.next() => heard,
                () = stop.cancelled() => return,
            };

            match heard {
                // Anything may have been missed.
                NewsSignal::Gap => {
                    self.lock().forget_all();
                    self.watchers.ring_all();
                    self.settings.send_replace(());
                }
                NewsSignal::News(News::Access { ids }) => {
                    self.lock().forget(&ids);
                    self.watchers.ring(&ids);
                }
                NewsSignal::News(News::Settings) => {
                    self.settings.send_replace(());
                }
                NewsSignal::News(_) => {}
            }
        }
    }
}

/// Asks the database what a credential gives access to.
async fn read(
    db: &Db,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<Option<SeenAccess>, StorageError> {
    let mut tx = db.read().await?;
    let found = match credential {
        Credential::Session(session, workspace) => {
            let found = tx.system().sessions().access(*session, *workspace, now).await?;
            found.map(|access| (access, None))
        }
        Credential::Key(hash) => tx.system().api_keys().access(hash, now).await?,
    };
    Ok(found.map(|(access, ends_at)| SeenAccess { access: Arc::new(access), ends_at }))
}

impl Kept {
    fn keep(&mut self, credential: Credential, entry: Entry) {
        if self.entries.len() >= ENTRIES {
            self.entries.clear();
        }
        self.entries.insert(credential, entry);
    }

    fn note_use(&mut self, access: &Access) {
        if let Principal::Key { id, .. } = &access.principal {
            self.used.insert(*id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn what_was_read_before_an_instant_says_nothing_about_it() {
        let clock = Clock::system();
        let access = Arc::new(of_key(&clock));
        let read_at = Instant::now();
        let entry = Entry { seen: SeenAccess { access, ends_at: None }, read_at };
        let now = clock.now();
        assert!(entry.is_good(now, Freshness::Instant(read_at)));
        assert!(!entry.is_good(now, Freshness::Instant(read_at + Duration::from_nanos(1))));
        assert!(entry.is_good(now, Freshness::Lately));
    }

    fn of_key(clock: &Clock) -> Access {
        let principal = Principal::Key { id: clock.id(), name: "Shop".to_owned(), maker: None };
        Access { principal, place: None }
    }

    /// A stream on which nothing happens hears of it as soon as one that has something to send.
    #[tokio::test]
    async fn who_watches_an_access_is_told_when_it_changes_here_or_elsewhere() {
        let clock = Clock::system();
        let accesses = Arc::new(Accesses::default());
        let access = of_key(&clock);
        let changed: Vec<Uuid> = watch::ids(&access).collect();
        let committed = Committed { access: changed, ..Committed::default() };
        let mut watched = accesses.watch(&access);
        let mut other = accesses.watch(&of_key(&clock));
        assert!(watched.stirred().now_or_never().is_none());
        accesses.committed(&committed);
        assert!(watched.stirred().now_or_never().is_some());
        watched.looked(watched.version());
        assert!(watched.stirred().now_or_never().is_none());

        let live = Live::in_process();
        let elsewhere = Accesses::default();
        elsewhere.committed(&committed);
        tokio::select! {
            biased;
            () = accesses.hear(&live, clock.id(), CancellationToken::new()) => {}
            () = async {
                elsewhere.tell_once(&live, clock.id()).await;
                watched.stirred().await;
            } => {}
        }
        assert!(watched.stirred().now_or_never().is_some());
        assert!(other.stirred().now_or_never().is_none());
    }

    #[tokio::test]
    async fn what_could_not_be_told_is_told_later() {
        let accesses = Accesses::default();
        let process = Clock::system().id();
        let changed: Uuid = Clock::system().id::<SessionId>().into_uuid();
        accesses.committed(&Committed { access: vec![changed], ..Committed::default() });
        accesses.committed(&Committed { settings: true, ..Committed::default() });
        // Nobody listens there.
        let away = Live::redis("redis://127.0.0.1:1", "access").await.unwrap();

        accesses.tell_once(&away, process).await;
        {
            let kept = accesses.lock();
            assert_eq!((kept.unsent.as_slice(), kept.settings_unsent), (&[changed][..], true));
        }
        accesses.tell_once(&Live::in_process(), process).await;
        assert!(!accesses.has_news());
    }

    #[tokio::test]
    async fn what_waits_to_be_told_is_bounded() {
        let accesses = Accesses::default();
        let away = Live::redis("redis://127.0.0.1:1", "access").await.unwrap();
        for _ in 0..=MOST_UNSENT {
            let changed: Uuid = Clock::system().id::<SessionId>().into_uuid();
            accesses.committed(&Committed { access: vec![changed], ..Committed::default() });
        }
        accesses.committed(&Committed { settings: true, ..Committed::default() });

        accesses.tell_once(&away, Clock::system().id()).await;
        let kept = accesses.lock();
        assert_eq!((kept.unsent.len(), kept.settings_unsent), (0, true));
    }
}
