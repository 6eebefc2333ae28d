//! Doing a whole transaction again that the database has undone.

use std::{error::Error, future::Future, time::Duration};

use replyx_core::{
    clock::Clock,
    retry::{Backoff, Retry},
};
use tokio::time::{sleep, timeout};

use crate::StorageError;

/// A transaction that was undone is done three times more.
const AGAIN: Backoff =
    Backoff { first: Duration::from_millis(40), ceiling: Duration::from_millis(500), attempts: 4 };

/// How long to wait for a database that is away.
const UNTIL_STORED: Backoff = Backoff {
    first: Duration::from_millis(250),
    ceiling: Duration::from_secs(2),
    attempts: u32::MAX,
};
/// How long one try of [`until_stored`] may take.
const LONGEST_TRY: Duration = Duration::from_secs(30);

/// Repeats `work`, which is one whole transaction, when the database rolled it back in favor of
/// another one: three times, after a short random wait. For background work.
pub async fn retried<T, F>(work: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    again(work, || {}).await
}

/// Repeats `work`, which is one whole transaction, until it is stored, however long the database is
/// away: for what nobody else knows or may do, such as the outcome of work that this process holds.
/// `task` says in the log what could not be done yet.
///
/// A try whose answer was lost may have been stored: doing it again must change nothing. What waits
/// here ends with the process at the latest.
pub async fn until_stored<T, F>(task: &'static str, mut work: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, StorageError>>,
{
    let mut failed = 0;
    loop {
        match timeout(LONGEST_TRY, retried(&mut work)).await {
            Ok(Ok(done)) => return done,
            Ok(Err(error)) => {
                let error = &error as &dyn Error;
                tracing::error!(error, task, "the database failed; it is tried again");
            }
            // The connection may be dead without anybody telling us.
            Err(_) => tracing::error!(task, "the database does not answer; it is tried again"),
        }

        failed += 1;
        let [chance] = Clock::bytes();
        if let Retry::After(wait) = UNTIL_STORED.after(failed, chance) {
            sleep(wait).await;
        }
    }
}

/// [`retried`] for the transaction of a use case, whose error may have a [`StorageError`] among its
/// causes. Repetitions are counted in `requests_repeated_total`.
///
/// What must happen once (a password is hashed, a model is asked, a limit is charged) stands before
/// it: `work` may run four times, and only the last run lasts.
pub async fn repeated<T, E, F>(work: impl FnMut() -> F) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    again(work, || metrics::counter!("requests_repeated_total").increment(1)).await
}

async fn again<T, E, F>(mut work: impl FnMut() -> F, count: impl Fn()) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut failed = 0;
    loop {
        let error = match work().await {
            Err(error) if was_undone(&error) => error,
            done => return done,
        };

        failed += 1;
        match wait(failed) {
            Retry::After(wait) => sleep(wait).await,
            Retry::Never => return Err(error),
        }
        count();
    }
}

/// Is one of the causes a transaction that the database rolled back?
fn was_undone(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<StorageError>().is_some_and(StorageError::is_undone) {
            return true;
        }
        next = error.source();
    }
    false
}

/// How long to wait after a transaction was undone so often.
fn wait(failed: u32) -> Retry {
    let [chance] = Clock::bytes();
    AGAIN.after(failed, chance)
}
