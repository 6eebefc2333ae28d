//! Transactions that several callers share.
//!
//! [`Db::unit`](crate::Db::unit) hands in work that is plain data and waits for its answer. While a
//! transaction of one kind of work is under way, whatever is handed in of it waits for the next and
//! shares it: it is never delayed for company, and a burst costs few statements and few commits.
//! Nothing is answered before it lasts.
//!
//! What fails for one is tried one by one, each in a transaction of its own, so that nobody spoils
//! what others have handed in.

use std::{
    any::{Any, TypeId},
    collections::{HashMap, HashSet, VecDeque},
    future::Future,
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, oneshot};

use crate::{StorageError, Tx};

/// How many pieces of work of a kind are done alone at once.
const ALONE: usize = 8;

/// Work that is done in a transaction with others of its kind.
pub trait Unit: Send + Sync + Sized + 'static {
    /// What comes of it.
    type Answer: Send + 'static;
    /// What no two of a transaction may have in common.
    type Key: Eq + Hash + Send;

    /// How many share a transaction at most.
    const TOGETHER: usize;

    /// What others of the same transaction must not have.
    fn key(&self) -> Self::Key;

    /// Does the work of all of them, and answers each, in their order. The caller commits.
    ///
    /// Work whose commit failed is done once more: if it lasts all the same, that must change
    /// nothing.
    ///
    /// # Errors
    ///
    /// Fails when the work of one does; then nothing of it was done for any.
    fn run(
        units: &[Self],
        company: Company,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<Vec<RunOutcome<Self>>, StorageError>> + Send;
}

/// Whether work shares its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// With others, who are not to wait for the locks that one of them needs.
    Shared,
    /// With nobody.
    Alone,
}

/// What came of work in a transaction.
#[derive(Debug)]
pub enum RunOutcome<U: Unit> {
    /// Its answer, if the transaction lasts.
    Done(U::Answer),
    /// Nothing: it has to wait for others, and will be done alone.
    Busy,
}

/// What became of work that was handed in.
#[derive(Debug)]
pub struct Outcome<A> {
    /// Its answer.
    pub answer: Result<A, StorageError>,
    /// Whether a commit of it failed, so that the work may have lasted without its answer being
    /// known.
    pub doubted: bool,
}

/// What waits, for each kind of work.
#[derive(Clone, Default)]
pub(crate) struct Units(Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>);

impl Units {
    pub(crate) fn line<U: Unit>(&self) -> Arc<Line<U>> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(TypeId::of::<U>()).or_insert_with(|| Arc::new(Line::<U>::default()));
        Arc::clone(line).downcast().unwrap_or_default()
    }
}

/// Work that waits.
pub(crate) struct Waiting<U: Unit> {
    pub(crate) unit: U,
    pub(crate) done: oneshot::Sender<Outcome<U::Answer>>,
}

/// What waits of one kind.
pub(crate) struct Line<U: Unit> {
    state: Mutex<LineState<U>>,
    /// Places for work that is done alone.
    pub(crate) alone: Semaphore,
}

struct LineState<U: Unit> {
    waiting: VecDeque<Waiting<U>>,
    /// Whether a task takes them.
    is_served: bool,
}

impl<U: Unit> Default for Line<U> {
    fn default() -> Self {
        let state = LineState { waiting: VecDeque::new(), is_served: false };
        Self { state: Mutex::new(state), alone: Semaphore::new(ALONE) }
    }
}

impl<U: Unit> Line<U> {
    fn lock(&self) -> MutexGuard<'_, LineState<U>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller has to see to it that the line is served.
    pub(crate) fn push(&self, waiting: Waiting<U>) -> bool {
        let mut line = self.lock();
        line.waiting.push_back(waiting);
        !mem::replace(&mut line.is_served, true)
    }

    /// Ends the service if nobody waits.
    pub(crate) fn is_over(&self) -> bool {
        let mut line = self.lock();
        line.is_served = !line.waiting.is_empty();
        !line.is_served
    }

    /// Takes those that share the next transaction: the first ones, without those that have
    /// something in common with one before them.
    pub(crate) fn take(&self) -> Vec<Waiting<U>> {
        let mut line = self.lock();
        let mut keys = HashSet::new();
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        while taken.len() < U::TOGETHER
            && let Some(waiting) = line.waiting.pop_front()
        {
            if keys.insert(waiting.unit.key()) {
                taken.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        left.append(&mut line.waiting);
        line.waiting = left;
        taken
    }
}
