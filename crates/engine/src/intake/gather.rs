//! Gathers updates that arrive one by one (webhooks) into few transactions.
//!
//! While one transaction commits, those that arrive in the meantime wait for the next and share it:
//! an update is never delayed for company, and a burst costs few commits. If a shared transaction
//! fails for what is in it, its updates are tried one by one, so that one of them cannot spoil the
//! others; while the database is away all are refused. Workspaces take turns, and one of them fills
//! no more than half of the places: its storm of updates makes nobody else's wait or be refused.

use std::sync::{Arc, Mutex, PoisonError};

use replyx_core::{channel::Inbound, ids::WorkspaceId};
use replyx_live::Lines;
use replyx_storage::StorageError;
use tokio::sync::{mpsc, oneshot};

use super::{Door, accept_all};
use crate::Engine;

/// How many updates may wait; more are refused and redelivered by the channel.
const WAITING: usize = 1024;
/// How many updates of one workspace may wait.
const WAITING_EACH: usize = WAITING / 2;
/// How many updates share a transaction.
const TOGETHER: usize = 64;

/// An update was not taken; the channel delivers it again.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Too many are waiting, the database is away, or the process is stopping.
    #[error("too many updates are waiting")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

struct Waiting {
    update: (Door, Inbound),
    done: oneshot::Sender<Result<(), StorageError>>,
}

/// Where updates are handed in. Cheap to clone; the last clone's end ends the gathering.
#[derive(Clone)]
pub struct Gatherer {
    lines: Arc<Mutex<Lines<WorkspaceId, Waiting>>>,
    /// As many as there are updates in the lines.
    arrivals: mpsc::UnboundedSender<()>,
}

impl std::fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gatherer").finish_non_exhaustive()
    }
}

impl Gatherer {
    /// Begins to gather. Everything handed in is stored before the task ends.
    pub fn start(engine: Arc<Engine>) -> Self {
        let lines = Arc::new(Mutex::new(Lines::new(WAITING, WAITING_EACH)));
        let (arrivals, mut arrived) = mpsc::unbounded_channel();
        let gatherer = Self { lines: Arc::clone(&lines), arrivals };
        tokio::spawn(async move {
            let mut tickets = Vec::with_capacity(TOGETHER);
            while arrived.recv_many(&mut tickets, TOGETHER).await > 0 {
                let batch: Vec<Waiting> = {
                    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                    tickets.drain(..).filter_map(|()| lines.pop()).collect()
                };
                store(&engine, batch).await;
            }
        });
        gatherer
    }

    /// Takes an update; it is stored when this returns `Ok`.
    ///
    /// # Errors
    ///
    /// Fails at once when too many are waiting, and when the database fails.
    pub async fn accept(&self, door: Door, inbound: Inbound) -> Result<(), IntakeError> {
        let (done, outcome) = oneshot::channel();
        self.push(Waiting { update: (door, inbound), done })?;
        self.arrivals.send(()).map_err(|_| IntakeError::Full)?;
        Ok(outcome.await.map_err(|_| IntakeError::Full)??)
    }

    fn push(&self, waiting: Waiting) -> Result<(), IntakeError> {
        let (door, _) = &waiting.update;
        let whose = door.workspace_id;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(whose, waiting).map_err(|_| IntakeError::Full)
    }
}

async fn store(engine: &Engine, batch: Vec<Waiting>) {
    let (updates, senders): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.update, waiting.done)).unzip();
    match accept_all(engine, &updates, None).await {
        Ok(()) => {
            for sender in senders {
                let _ = sender.send(Ok(()));
            }
        }
        // The database is away or overloaded, no matter who asks: all are refused at once, and come
        // again.
        Err(error) if error.is_transient() => {}
        Err(_) => {
            for (update, sender) in updates.into_iter().zip(senders) {
                let outcome = accept_all(engine, &[update], None).await;
                let away = outcome.as_ref().is_err_and(StorageError::is_transient);
                let _ = sender.send(outcome);
                if away {
                    return;
                }
            }
        }
    }
}
