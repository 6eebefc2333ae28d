//! Doing a whole transaction again that the database has undone.

use std::{error::Error, future::Future, time::Duration};

use replyx_core::{
    clock::Clock,
    retry::{Backoff, Retry},
};
use tokio::time::sleep;

use crate::StorageError;

/// A transaction that was undone is done three times more.
const AGAIN: Backoff =
    Backoff { first: Duration::from_millis(40), ceiling: Duration::from_millis(500), attempts: 4 };

/// Repeats `work`, which is one whole transaction, when the database rolled it back in favor of
/// another one: three times, after a short random wait. For background work.
pub async fn retried<T, F>(work: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    again(work, || {}).await
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
