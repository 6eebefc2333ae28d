//! The one loop by which work is taken on: turns, sends and jobs.
//!
//! Work is queued in the database, and a [`Queue`] says how it is claimed. [`work`] waits for a
//! free place, claims what is due, and runs each piece in a task of its own, which keeps its place
//! until it ends.
//!
//! A claim whose commit failed may have lasted all the same. Then its pieces are ours and nobody
//! else takes them, so they are handed back.

use std::{error::Error, future::Future, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use replyx_storage::{Db, StorageError, Tx, fair::Round, retried, until_stored};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// How long to sleep at most when nobody rings.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long to sleep at least until something is due.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);
/// How long to wait at first when work is due that may not be taken.
const HELD_BY_OTHERS: Duration = Duration::from_millis(20);

/// Work that is queued in the database: each piece is claimed by one process.
pub trait Queue: Send + Sync + 'static {
    /// A piece of work that was claimed.
    type Piece: Send + Sync + 'static;

    /// What the pieces are called in the log.
    const PIECES: &'static str;
    /// How many pieces are claimed in one transaction at most.
    const TOGETHER: usize = usize::MAX;
    /// How long to wait at most when work is due that may not be taken.
    const HELD_AT_MOST: Duration = LONGEST_SLEEP;
    /// What becomes of work that is due when the process stops.
    const AT_STOP: AtStop = AtStop::Leave;

    /// Where the work is queued.
    fn db(&self) -> &Db;

    /// How many pieces run at once in this process.
    fn places(&self) -> usize;

    /// Claims pieces that are due for the free places. It leaves the commit to the caller.
    fn claim(
        &self,
        free: FreePlaces,
        round: Round,
    ) -> impl Future<Output = Result<ClaimResult<Self::Piece>, StorageError>> + Send;

    /// Where the round of the shares goes on after these pieces.
    fn after(&self, round: Round, _: &[Self::Piece]) -> Round {
        round
    }

    /// Hands back pieces of a claim that may have been committed. They have not been begun.
    fn hand_back(
        &self,
        tx: &mut Tx,
        pieces: &[Self::Piece],
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Work begins: whoever has claimed a piece in a transaction of their own may begin it in this
    /// room, until [`Self::close`].
    fn open(&self, _: Room<Self>)
    where
        Self: Sized,
    {
    }

    /// Work ends, or is dropped. Places that were taken before may still be used.
    fn close(&self) {}

    /// Does a piece of work, and writes what became of it.
    fn run(&self, piece: Self::Piece) -> impl Future<Output = ()> + Send;

    /// Sleeps until there may be work, at most `longest`.
    fn wait(&self, longest: Duration) -> impl Future<Output = ()> + Send;
}

/// How much work may be taken on.
#[derive(Clone, Copy, Debug)]
pub struct FreePlaces {
    /// At most so many pieces in one claim.
    pub places: u32,
    /// How many pieces run now.
    pub running: usize,
}

/// What a look for work found.
pub enum ClaimResult<P> {
    /// Pieces that are ours if the transaction is committed.
    Claimed(Box<Tx>, Vec<P>),
    /// Work is due, but none that may be taken now: other processes hold it, or one share has its
    /// places.
    Held,
    /// Nothing will be due for so long, unless the bell rings.
    Nothing(Duration),
}

impl<P> ClaimResult<P> {
    /// Pieces that are ours if the transaction is committed.
    pub fn claimed(tx: Tx, pieces: Vec<P>) -> Self {
        Self::Claimed(Box::new(tx), pieces)
    }

    /// Nothing is due before `due`.
    pub fn nothing_until(due: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let wait = due.map_or(LONGEST_SLEEP, |due| (due - now).to_std().unwrap_or_default());
        Self::Nothing(wait.clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
    }
}

/// What becomes of work that is due when the process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtStop {
    /// It is left to other processes.
    Leave,
    /// It is claimed once more.
    ClaimOnceMore,
}

/// Takes on work until stopped, then waits for the pieces that are running. Dropping the future
/// leaves these to the process's end, which hands them back ([`replyx_storage::processes`]).
pub async fn work<Q: Queue>(queue: Q, stop: CancellationToken) {
    let room = Room::of(queue);
    room.queue.open(room.clone());
    let opened = Opened(Arc::clone(&room.queue));
    let mut claims = Claims { room, round: Round::default(), patience: HELD_BY_OTHERS };

    while !stop.is_cancelled() {
        // Who has no place leaves the work to other processes.
        tokio::select! {
            place = claims.room.free.acquire() => drop(place),
            () = stop.cancelled() => break,
        }

        let next = claims.claim().await;
        tokio::select! {
            () = claims.rest(next) => {}
            () = stop.cancelled() => {}
        }
    }

    if Q::AT_STOP == AtStop::ClaimOnceMore {
        claims.claim().await;
    }
    drop(opened);
    claims.room.running.close();
    claims.room.running.wait().await;
}

/// The places of a queue at work.
#[derive(Debug)]
pub struct Room<Q> {
    queue: Arc<Q>,
    free: Arc<Semaphore>,
    running: TaskTracker,
    /// Rings when a piece has ended.
    ended: Arc<Notify>,
}

impl<Q> Clone for Room<Q> {
    fn clone(&self) -> Self {
        Self {
            queue: Arc::clone(&self.queue),
            free: Arc::clone(&self.free),
            running: self.running.clone(),
            ended: Arc::clone(&self.ended),
        }
    }
}

impl<Q: Queue> Room<Q> {
    fn of(queue: Q) -> Self {
        Self {
            free: Arc::new(Semaphore::new(queue.places())),
            queue: Arc::new(queue),
            running: TaskTracker::new(),
            ended: Arc::new(Notify::new()),
        }
    }

    /// Takes a place, while more than half of them are free: the other half is for what waits in
    /// the queue, whose shares take turns.
    pub fn place(&self) -> Option<Place<Q>> {
        if self.free.available_permits() <= self.queue.places() / 2 {
            return None;
        }
        let taken = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(self.taken(taken))
    }

    fn taken(&self, permit: OwnedSemaphorePermit) -> Place<Q> {
        Place { permit, token: self.running.token(), room: self.clone() }
    }
}

/// A place for one piece of work. As long as it is held, its room is not left.
#[derive(Debug)]
pub struct Place<Q> {
    room: Room<Q>,
    permit: OwnedSemaphorePermit,
    token: TaskTrackerToken,
}

impl<Q: Queue> Place<Q> {
    /// Begins a piece that this process has claimed.
    pub fn begin(self, piece: Q::Piece) {
        let Self { room, permit, token } = self;
        let Room { queue, running, ended, .. } = room;
        running.spawn(async move {
            queue.run(piece).await;
            drop(permit);
            ended.notify_one();
        });
        drop(token);
    }
}

/// A queue at work, closed when this is dropped.
struct Opened<Q: Queue>(Arc<Q>);

impl<Q: Queue> Drop for Opened<Q> {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Claims<Q> {
    room: Room<Q>,
    round: Round,
    /// How long to wait when work is due that may not be taken.
    patience: Duration,
}

/// What to do after a look for work.
enum Next {
    /// Look again: there may be more.
    Look,
    /// Wait for those who hold it.
    Held,
    /// Sleep, unless the bell rings.
    Sleep(Duration),
    /// The database failed.
    Failed,
}

impl<Q: Queue> Claims<Q> {
    /// Claims what is due and begins it.
    async fn claim(&mut self) -> Next {
        let (pieces, next) = match retried(|| self.try_claim()).await {
            Ok(claimed) => claimed,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(error, pieces = Q::PIECES, "could not claim work");
                return Next::Failed;
            }
        };

        if matches!(next, Next::Look) {
            self.round = self.room.queue.after(self.round, &pieces);
            self.patience = HELD_BY_OTHERS;
        }
        for piece in pieces {
            self.begin(piece).await;
        }
        next
    }

    async fn try_claim(&self) -> Result<(Vec<Q::Piece>, Next), StorageError> {
        let free = self.room.free.available_permits();
        if free == 0 {
            return Ok((Vec::new(), Next::Look));
        }

        let free = FreePlaces {
            places: u32::try_from(free.min(Q::TOGETHER)).unwrap_or(u32::MAX),
            running: self.room.queue.places().saturating_sub(free),
        };
        let (tx, pieces) = match self.room.queue.claim(free, self.round).await? {
            ClaimResult::Claimed(tx, pieces) => (tx, pieces),
            ClaimResult::Held => return Ok((Vec::new(), Next::Held)),
            ClaimResult::Nothing(nap) => return Ok((Vec::new(), Next::Sleep(nap))),
        };

        if let Err(error) = tx.commit().await {
            self.hand_back(&pieces).await;
            return Err(error);
        }
        Ok((pieces, Next::Look))
    }

    async fn hand_back(&self, pieces: &[Q::Piece]) {
        let queue = &*self.room.queue;
        until_stored("hand back claimed work", || async {
            let mut tx = queue.db().begin().await?;
            queue.hand_back(&mut tx, pieces).await?;
            tx.commit().await.map(drop)
        })
        .await;
    }

    async fn begin(&self, piece: Q::Piece) {
        let Ok(permit) = Arc::clone(&self.room.free).acquire_owned().await else { return };
        self.room.taken(permit).begin(piece);
    }

    /// Waits until it is worth looking again.
    async fn rest(&mut self, next: Next) {
        match next {
            Next::Look => {}
            Next::Sleep(nap) => self.room.queue.wait(nap).await,
            Next::Failed => sleep(LONGEST_SLEEP).await,
            Next::Held => {
                let nap = self.patience;
                self.patience = (nap * 2).min(Q::HELD_AT_MOST);
                tokio::select! {
                    () = self.room.queue.wait(nap) => {}
                    // A share that has all its places may have one more.
                    () = self.room.ended.notified() => self.patience = HELD_BY_OTHERS,
                }
            }
        }
    }
}
