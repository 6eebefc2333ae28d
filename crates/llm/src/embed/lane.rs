//! A thread that embeds texts, and the line before it.
//!
//! # What holds
//!
//! - Workspaces take turns; those without one take turns together.
//! - What waits is embedded together, up to a bound, since a pass through the model costs less for
//!   several texts than for each alone.
//! - A caller waits for its turn no longer than it wants to. Once its text is taken, it waits for
//!   the vector.
//! - A caller that gave up costs nothing.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
    time::Duration,
};

use replyx_core::ids::WorkspaceId;
use replyx_live::Lines;
use tokio::{sync::oneshot, time::timeout};

use crate::error::ModelError;

/// Why texts got no vectors.
pub(super) type Fault = Arc<dyn Error + Send + Sync>;
type Work = Box<dyn Fn(&[String]) -> Result<Vec<Vec<f32>>, Fault> + Send + Sync>;

/// A thread that embeds, from the first text on until nobody is left who could bring one.
pub(super) struct Lane {
    shared: Arc<Shared>,
    name: &'static str,
    /// How nice the thread is to others.
    nice: Option<i32>,
    /// As many are sent as there are jobs in the lines.
    arrivals: OnceLock<Result<mpsc::Sender<()>, io::ErrorKind>>,
}

/// What the lane shares with its thread.
struct Shared {
    lines: Mutex<Lines<Option<WorkspaceId>, Job>>,
    work: Work,
    /// So many texts are embedded together.
    together: usize,
}

/// Bounds of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneBounds {
    /// Texts that wait; more are refused.
    pub(super) waiting: usize,
    /// Texts of one workspace that wait; more are refused.
    pub(super) each: usize,
    /// Texts that are embedded together.
    pub(super) together: usize,
}

struct Job {
    text: String,
    taken: oneshot::Sender<()>,
    answer: oneshot::Sender<Result<Vec<f32>, ModelError>>,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("name", &self.name).finish_non_exhaustive()
    }
}

fn gone() -> ModelError {
    ModelError::Settings("the thread that embeds has ended".into())
}

impl Lane {
    /// A lane whose thread does this work. The thread begins with the first text.
    pub(super) fn new(
        name: &'static str,
        bounds: LaneBounds,
        work: impl Fn(&[String]) -> Result<Vec<Vec<f32>>, Fault> + Send + Sync + 'static,
    ) -> Self {
        let LaneBounds { waiting, each, together } = bounds;
        let lines = Mutex::new(Lines::new(waiting, each));
        let shared = Arc::new(Shared { lines, work: Box::new(work), together });
        Self { shared, name, nice: None, arrivals: OnceLock::new() }
    }

    /// The same lane, whose thread lets others go first.
    pub(super) fn nice(self, nice: i32) -> Self {
        Self { nice: Some(nice), ..self }
    }

    /// The vector of a text. Busy, when too many wait or its turn does not come in time.
    pub(super) async fn embed(
        &self,
        whose: Option<WorkspaceId>,
        text: &str,
        patience: Option<Duration>,
    ) -> Result<Vec<f32>, ModelError> {
        let arrivals = self.arrivals.get_or_init(|| self.start().map_err(|error| error.kind()));
        let arrivals = arrivals
            .as_ref()
            .map_err(|kind| ModelError::Settings(io::Error::from(*kind).into()))?;

        let (taken, turn) = oneshot::channel();
        let (answer, vector) = oneshot::channel();
        self.push(whose, Job { text: text.to_owned(), taken, answer })?;
        arrivals.send(()).map_err(|_| gone())?;

        if let Some(patience) = patience {
            timeout(patience, turn).await.map_err(|_| ModelError::Busy)?.map_err(|_| gone())?;
        }
        vector.await.map_err(|_| gone())?
    }

    fn push(&self, whose: Option<WorkspaceId>, job: Job) -> Result<(), ModelError> {
        let mut lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(whose, job).map_err(|_| ModelError::Busy)
    }

    fn start(&self) -> io::Result<mpsc::Sender<()>> {
        let (sender, arrived) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        let nice = self.nice;
        let work = move || {
            if let Some(nice) = nice {
                // Where it is not allowed, the thread has the priority of everything else.
                let _ = rustix::process::setpriority_process(None, nice);
            }
            while arrived.recv().is_ok() {
                shared.embed_those_who_wait(&arrived);
            }
        };
        thread::Builder::new().name(self.name.to_owned()).spawn(work)?;
        Ok(sender)
    }
}

impl Shared {
    /// Embeds a text whose arrival was just received, and what waits behind it.
    fn embed_those_who_wait(&self, arrived: &mpsc::Receiver<()>) {
        let mut texts = Vec::new();
        let mut answers = Vec::new();

        loop {
            let job = self.lines.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(Job { text, taken, answer }) = job
                && !answer.is_closed()
            {
                let _ = taken.send(());
                texts.push(text);
                answers.push(answer);
            }
            if texts.len() >= self.together || arrived.try_recv().is_err() {
                break;
            }
        }

        if texts.is_empty() {
            return;
        }
        match (self.work)(&texts) {
            Ok(vectors) => {
                for (answer, vector) in answers.into_iter().zip(vectors) {
                    let _ = answer.send(Ok(vector));
                }
            }
            Err(fault) => {
                for answer in answers {
                    let _ = answer.send(Err(ModelError::Settings(Box::new(Arc::clone(&fault)))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use replyx_core::clock::Clock;

    use super::*;

    const BOUNDS: LaneBounds = LaneBounds { waiting: 8, each: 4, together: 3 };

    /// The texts of each pass.
    type Passes = Arc<Mutex<Vec<Vec<String>>>>;

    /// A lane that waits twice at the barrier for each pass, and what it embedded in each.
    fn given(barrier: &Arc<Barrier>) -> (Arc<Lane>, Passes) {
        let passes = Passes::default();
        let seen = Arc::clone(&passes);
        let barrier = Arc::clone(barrier);
        let lane = Lane::new("embed-test", BOUNDS, move |texts| {
            seen.lock().unwrap().push(texts.to_vec());
            barrier.wait();
            barrier.wait();
            Ok(texts.iter().map(|_| vec![1.0]).collect())
        });
        (Arc::new(lane), passes)
    }

    async fn pass(barrier: &Arc<Barrier>) {
        let barrier = Arc::clone(barrier);
        tokio::task::spawn_blocking(move || barrier.wait()).await.unwrap();
    }

    fn ask(
        lane: &Arc<Lane>,
        whose: Option<WorkspaceId>,
        text: &'static str,
    ) -> tokio::task::JoinHandle<Result<Vec<f32>, ModelError>> {
        let lane = Arc::clone(lane);
        tokio::spawn(async move { lane.embed(whose, text, None).await })
    }

    async fn until_waiting(lane: &Lane, count: usize) {
        let waiting = || lane.shared.lines.lock().unwrap().len();
        while waiting() < count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn texts_that_wait_are_embedded_together_and_workspaces_take_turns() {
        let barrier = Arc::new(Barrier::new(2));
        let (lane, passes) = given(&barrier);
        let first = ask(&lane, None, "first");
        pass(&barrier).await;
        // The thread is busy: what comes now waits.
        let busy = Some(Clock::system().id::<WorkspaceId>());
        let mut asked = Vec::new();
        for (count, text) in ["a", "b", "c"].into_iter().enumerate() {
            asked.push(ask(&lane, busy, text));
            until_waiting(&lane, count + 1).await;
        }
        asked.push(ask(&lane, None, "other"));
        until_waiting(&lane, 4).await;
        for _ in 0..5 {
            pass(&barrier).await;
        }
        assert_eq!(first.await.unwrap().unwrap(), [1.0]);
        for one in asked {
            assert_eq!(one.await.unwrap().unwrap(), [1.0]);
        }
        assert_eq!(*passes.lock().unwrap(), [vec!["first"], vec!["a", "other", "b"], vec!["c"]]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_caller_whose_turn_does_not_come_in_time_is_refused_and_costs_nothing() {
        let barrier = Arc::new(Barrier::new(2));
        let (lane, passes) = given(&barrier);
        let first = ask(&lane, None, "first");
        pass(&barrier).await;

        let late = lane.embed(None, "late", Some(Duration::from_millis(1))).await;
        assert!(matches!(late, Err(ModelError::Busy)), "{late:?}");
        let patient = ask(&lane, None, "patient");
        until_waiting(&lane, 2).await;
        for _ in 0..3 {
            pass(&barrier).await;
        }

        first.await.unwrap().unwrap();
        patient.await.unwrap().unwrap();
        assert_eq!(*passes.lock().unwrap(), [vec!["first"], vec!["patient"]]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_caller_whose_text_is_taken_waits_for_its_vector() {
        let barrier = Arc::new(Barrier::new(2));
        let (lane, _) = given(&barrier);
        let asked = Arc::clone(&lane);
        let mut taken =
            tokio::spawn(
                async move { asked.embed(None, "taken", Some(Duration::from_mins(1))).await },
            );
        pass(&barrier).await;
        let early = timeout(Duration::from_millis(5), &mut taken).await;
        assert!(early.is_err(), "it waits for the vector");
        pass(&barrier).await;
        assert_eq!(taken.await.unwrap().unwrap(), [1.0]);
    }

    #[tokio::test]
    async fn what_fails_fails_for_all_that_were_embedded_together() {
        let fault: Fault = Arc::from(Box::<dyn Error + Send + Sync>::from("damaged"));
        let lane = Lane::new("embed-test", BOUNDS, move |_| Err(Arc::clone(&fault)));
        let failed = lane.embed(None, "x", None).await.unwrap_err();
        assert_eq!(failed.source().unwrap().to_string(), "damaged");
    }
}
