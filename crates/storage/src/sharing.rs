//! How work shares transactions: what waits in a line is taken, done and answered.

use std::{
    error::Error,
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use crate::{
    Db, StorageError, Tx, retried,
    unit::{Company, Line, Outcome, RunOutcome, Unit, Waiting},
};

/// How long the next transaction waits for the one before it. One that is held up by a lock of
/// another process keeps nobody longer from being done.
const PATIENCE: Duration = Duration::from_millis(500);

impl Db {
    /// Does work in a transaction that it may share with other work of its kind.
    ///
    /// A caller that does not wait for the answer does not stop the work.
    pub async fn unit<U: Unit>(&self, unit: U) -> Outcome<U::Answer> {
        let line = self.units.line::<U>();
        let (done, outcome) = oneshot::channel();
        if line.push(Waiting { unit, done }) {
            tokio::spawn(serve(self.clone(), line));
        }
        // The task that was to answer has panicked, or ends with the runtime.
        outcome.await.unwrap_or(Outcome { answer: Err(StorageError::Undone), doubted: true })
    }
}

/// Serves a line until nobody waits.
async fn serve<U: Unit>(db: Db, line: Arc<Line<U>>) {
    while !line.is_over() {
        let begun = db.begin().await;
        // Now, so that callers who came while a connection was waited for share it.
        let taken = line.take();
        let shared = tokio::spawn(share(db.clone(), Arc::clone(&line), begun, taken));
        let _ = timeout(PATIENCE, shared).await;
    }
}

/// Does the work of all in one transaction, and of those for which that fails alone.
async fn share<U: Unit>(
    db: Db,
    line: Arc<Line<U>>,
    begun: Result<Tx, StorageError>,
    mut taken: Vec<Waiting<U>>,
) {
    if taken.len() < 2 {
        if let Some(waiting) = taken.pop() {
            alone(&db, waiting, Some(begun), false).await;
        }
        return;
    }
    let tx = match begun {
        Ok(tx) => tx,
        Err(error) => return refuse(taken, error),
    };

    let (units, done): (Vec<U>, Vec<_>) =
        taken.into_iter().map(|waiting| (waiting.unit, waiting.done)).unzip();
    let doubted = AtomicBool::new(false);
    let ran = match attempt(tx, &units, Company::Shared, &doubted).await {
        Ok(ran) => ran,
        Err(error) => {
            let error = &error as &dyn Error;
            tracing::debug!(error, units = units.len(), "shared transaction failed");
            Vec::new()
        }
    };

    let doubted = doubted.load(Relaxed);
    let ran = ran.into_iter().chain(std::iter::repeat_with(|| RunOutcome::Busy));
    for ((unit, done), ran) in units.into_iter().zip(done).zip(ran) {
        match ran {
            // Who has gone in the meantime does not want to know.
            RunOutcome::Done(answer) => {
                drop(done.send(Outcome { answer: Ok(answer), doubted: false }));
            }
            RunOutcome::Busy => {
                let db = db.clone();
                let line = Arc::clone(&line);
                tokio::spawn(async move {
                    let _place = line.alone.acquire().await;
                    alone(&db, Waiting { unit, done }, None, doubted).await;
                });
            }
        }
    }
}

/// Does the work of one; in a transaction that was begun, if one was.
async fn alone<U: Unit>(
    db: &Db,
    waiting: Waiting<U>,
    mut begun: Option<Result<Tx, StorageError>>,
    doubted: bool,
) {
    let Waiting { unit, done } = waiting;
    let doubted = AtomicBool::new(doubted);
    let answer = retried(|| {
        let begun = begun.take();
        async {
            let tx = match begun {
                Some(begun) => begun?,
                None => db.begin().await?,
            };
            let ran = attempt(tx, slice::from_ref(&unit), Company::Alone, &doubted).await?;
            match ran.into_iter().next() {
                Some(RunOutcome::Done(answer)) => Ok(answer),
                Some(RunOutcome::Busy) | None => Err(StorageError::Undone),
            }
        }
    });
    let answer = answer.await;
    let _ = done.send(Outcome { answer, doubted: doubted.load(Relaxed) });
}

/// Does the work and commits. Notes when nobody can know whether it lasts.
async fn attempt<U: Unit>(
    mut tx: Tx,
    units: &[U],
    company: Company,
    doubted: &AtomicBool,
) -> Result<Vec<RunOutcome<U>>, StorageError> {
    let ran = U::run(units, company, &mut tx).await?;
    tx.commit().await.inspect_err(|error| {
        doubted.fetch_or(!error.is_undone(), Relaxed);
    })?;
    Ok(ran)
}

/// Refuses all of them: there is no connection to the database, no matter who asks.
fn refuse<U: Unit>(taken: Vec<Waiting<U>>, error: StorageError) {
    let mut error = Some(error);
    for waiting in taken {
        let error = error.take().unwrap_or(StorageError::Driver(sqlx::Error::PoolTimedOut));
        let _ = waiting.done.send(Outcome { answer: Err(error), doubted: false });
    }
}
