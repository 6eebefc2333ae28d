//! The loop by which work is taken on.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use replyx_core::clock::Clock;
use replyx_engine::claims::{self, AtStop, ClaimResult, FreePlaces, Queue, Room};
use replyx_storage::{
    Db, StorageError, Tx,
    fair::Round,
    on_every_db,
    testing::{self, TestDb},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::given::{LONG, eventually};

/// What the queues of a test do.
#[derive(Default)]
struct Seen {
    /// What waits.
    waiting: Mutex<Vec<usize>>,
    done: Mutex<Vec<usize>>,
    handed_back: Mutex<Vec<usize>>,
    running: AtomicUsize,
    most: AtomicUsize,
    bell: Notify,
}

/// A queue whose pieces run until the test opens the gate.
struct Fake<const CLAIMS_AT_STOP: bool> {
    db: Db,
    seen: Arc<Seen>,
    gate: Arc<Semaphore>,
    /// Where others begin pieces, while it is at work.
    room: Arc<Mutex<Option<Room<Self>>>>,
}

impl<const CLAIMS_AT_STOP: bool> Queue for Fake<CLAIMS_AT_STOP> {
    type Piece = usize;

    const PIECES: &'static str = "pieces";
    const TOGETHER: usize = 2;
    const AT_STOP: AtStop = if CLAIMS_AT_STOP { AtStop::ClaimOnceMore } else { AtStop::Leave };

    fn db(&self) -> &Db {
        &self.db
    }

    fn places(&self) -> usize {
        3
    }

    async fn claim(&self, free: FreePlaces, _: Round) -> Result<ClaimResult<usize>, StorageError> {
        let mut tx = self.db.begin().await?;
        let pieces = self.seen.take(free.places as usize);
        if pieces.is_empty() {
            return Ok(ClaimResult::Nothing(Duration::from_secs(1)));
        }
        // Something that a commit can fail with.
        let clock = Clock::system();
        tx.system().processes().beat(clock.id(), clock.now()).await?;
        Ok(ClaimResult::claimed(tx, pieces))
    }

    async fn hand_back(&self, _: &mut Tx, pieces: &[usize]) -> Result<(), StorageError> {
        self.seen.handed_back.lock().unwrap().extend(pieces);
        self.seen.waiting.lock().unwrap().extend(pieces);
        Ok(())
    }

    fn open(&self, room: Room<Self>) {
        *self.room.lock().unwrap() = Some(room);
    }

    fn close(&self) {
        *self.room.lock().unwrap() = None;
    }

    async fn run(&self, piece: usize) {
        let running = self.seen.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.seen.most.fetch_max(running, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.seen.running.fetch_sub(1, Ordering::SeqCst);
        self.seen.done.lock().unwrap().push(piece);
    }

    async fn wait(&self, longest: Duration) {
        let _ = timeout(longest, self.seen.bell.notified()).await;
    }
}

impl Seen {
    fn with(pieces: usize) -> Arc<Self> {
        let waiting = Mutex::new((0..pieces).collect());
        Arc::new(Self { waiting, ..Self::default() })
    }

    fn take(&self, most: usize) -> Vec<usize> {
        let mut waiting = self.waiting.lock().unwrap();
        let taken = waiting.len().min(most);
        waiting.drain(..taken).collect()
    }

    fn done(&self) -> Vec<usize> {
        let mut done = self.done.lock().unwrap().clone();
        done.sort_unstable();
        done
    }
}

fn fake<const CLAIMS_AT_STOP: bool>(db: &Db, seen: &Arc<Seen>) -> Fake<CLAIMS_AT_STOP> {
    let gate = Arc::new(Semaphore::new(0));
    Fake { db: db.clone(), seen: Arc::clone(seen), gate, room: Arc::default() }
}

#[on_every_db]
async fn others_take_half_of_the_places_and_are_waited_for(home: &TestDb) {
    let seen = Seen::with(0);
    let stop = CancellationToken::new();
    let queue = fake::<false>(&home.db, &seen);
    let gate = Arc::clone(&queue.gate);
    let room = Arc::clone(&queue.room);
    let working = tokio::spawn(claims::work(queue, stop.clone()));
    let room_of = || room.lock().unwrap().clone();
    let opened = eventually("work begins", async || room_of()).await;

    let first = opened.place().unwrap();
    let second = opened.place().unwrap();
    assert!(opened.place().is_none(), "the third is kept for the queue");
    stop.cancel();
    eventually("work ends", async || room_of().is_none().then_some(())).await;
    assert!(!working.is_finished(), "two places are held");

    first.begin(7);
    second.begin(8);
    gate.add_permits(2);
    timeout(LONG, working).await.expect("it ends").expect("it does not panic");
    assert_eq!(seen.done(), [7, 8]);
}

#[on_every_db]
async fn no_more_run_than_there_are_places_and_those_that_run_are_waited_for(home: &TestDb) {
    let seen = Seen::with(10);
    let stop = CancellationToken::new();
    let queue = fake::<false>(&home.db, &seen);
    let gate = Arc::clone(&queue.gate);
    let working = tokio::spawn(claims::work(queue, stop.clone()));

    eventually("all places are taken", async || {
        (seen.running.load(Ordering::SeqCst) == 3).then_some(())
    })
    .await;
    assert_eq!(seen.waiting.lock().unwrap().len(), 7, "nothing is claimed that cannot run");
    gate.add_permits(4);
    eventually("the places are taken again", async || {
        (seen.done().len() == 4 && seen.running.load(Ordering::SeqCst) == 3).then_some(())
    })
    .await;

    stop.cancel();
    assert!(!working.is_finished(), "three pieces are running");
    gate.add_permits(100);
    timeout(LONG, working).await.expect("it ends").expect("it does not panic");
    assert_eq!(seen.done().len() + seen.waiting.lock().unwrap().len(), 10, "none is lost");
    assert_eq!(seen.most.load(Ordering::SeqCst), 3);
}

#[on_every_db]
async fn what_is_due_at_the_stop_is_left_or_claimed_once_more(home: &TestDb) {
    let stop = CancellationToken::new();
    stop.cancel();

    let seen = Seen::with(5);
    let queue = fake::<false>(&home.db, &seen);
    queue.gate.add_permits(100);
    claims::work(queue, stop.clone()).await;
    assert!(seen.done().is_empty());

    let queue = fake::<true>(&home.db, &seen);
    queue.gate.add_permits(100);
    claims::work(queue, stop.clone()).await;
    assert_eq!(seen.done(), [0, 1], "as many as are claimed in one transaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_whose_claim_was_not_committed_are_handed_back_and_claimed_again() {
    let home = testing::postgres().await;
    for sql in [
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             RAISE EXCEPTION 'the commit fails';
         END $$",
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON processes
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()",
    ] {
        testing::tamper(&home.url, sql).await;
    }
    let seen = Seen::with(2);
    let stop = CancellationToken::new();
    let queue = fake::<false>(&home.db, &seen);
    queue.gate.add_permits(100);
    let working = tokio::spawn(claims::work(queue, stop.clone()));
    eventually("the claim is handed back", async || {
        (seen.handed_back.lock().unwrap().len() >= 2).then_some(())
    })
    .await;
    assert!(seen.done().is_empty(), "what was not committed is not begun");

    testing::tamper(&home.url, "DROP TRIGGER fail ON processes").await;
    eventually("they are done", async || (seen.done() == [0, 1]).then_some(())).await;
    stop.cancel();
    timeout(LONG, working).await.expect("it ends").expect("it does not panic");
}
