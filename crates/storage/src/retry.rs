//! Doing a whole transaction again that the database has undone.

use std::{cell::Cell, future::Future, time::Duration};

use replyx_core::{
    clock::Clock,
    retry::{Backoff, Retry},
};
use tokio::{task_local, time::sleep};

use crate::StorageError;

/// A transaction that was undone is done three times more.
const AGAIN: Backoff =
    Backoff { first: Duration::from_millis(40), ceiling: Duration::from_millis(500), attempts: 4 };

/// Does `work`, which is one whole transaction, again when the database undid it for the sake of another one: three
/// times, after a short wait that is different for each.
///
/// # Errors
///
/// As `work`.
pub async fn retried<T, F>(mut work: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    let mut failed = 0;
    loop {
        let error = match work().await {
            Err(error) if error.is_undone() => error,
            done => return done,
        };
        failed += 1;
        match wait(failed) {
            Retry::After(wait) => sleep(wait).await,
            Retry::Never => return Err(error),
        }
    }
}

/// How long to wait after a transaction was undone so often.
pub fn wait(failed: u32) -> Retry {
    let [chance] = Clock::bytes();
    AGAIN.after(failed, chance)
}

task_local! {
    static COMMITTED: Cell<u32>;
}

/// Does `work` and tells whether a transaction was committed in the meantime by the same task. Where none was,
/// nothing has lasted, and the whole may be done again.
pub async fn watched<T>(work: impl Future<Output = T>) -> (T, bool) {
    let watched = async {
        let done = work.await;
        (done, COMMITTED.with(Cell::get) > 0)
    };
    COMMITTED.scope(Cell::new(0), watched).await
}

/// A transaction is about to be committed.
pub(crate) fn committing() {
    let _ = COMMITTED.try_with(|committed| committed.set(committed.get() + 1));
}

/// The commit has certainly failed.
pub(crate) fn not_committed() {
    let _ = COMMITTED.try_with(|committed| committed.set(committed.get().saturating_sub(1)));
}
