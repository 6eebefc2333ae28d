//! Forgets what is no longer needed, so that tables stay bounded, and deletes accounts whose time
//! has come.
//!
//! Each sweep goes on its own: one that fails does not skip the later ones. A lease keeps two
//! processes from doing the same one at once.

use std::{error::Error, future::pending, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use replyx_accounts::deletion;
use replyx_core::ids::ProcessId;
use replyx_engine::Engine;
use replyx_knowledge::{index, search::LARGE, sources};
use replyx_live::{Lease, Live};
use replyx_storage::{StorageError, retried};
use tokio::time::sleep;

use crate::{job::JobContext, kinds::index::with};

/// Telegram redelivers for a day; a week is safe.
const UPDATES: Duration = Duration::from_hours(7 * 24);
/// How long delivered parts are kept for questions about them; their messages stay.
const OUTBOX: Duration = Duration::from_hours(30 * 24);
/// How long the answers of a day are counted: until it has ended on every clock.
const CONTACT_DAYS: Duration = Duration::from_hours(2 * 24);
/// How long sessions that have ended are remembered: who comes back from the same place is no news.
const SESSIONS: Duration = Duration::from_hours(90 * 24);
/// How long a registration may be sent a new code after its last one has ended.
const REGISTRATIONS: Duration = Duration::from_hours(24);
/// How long failed attempts to sign in matter at most: longer than an account can be locked.
const ATTEMPTS: Duration = Duration::from_hours(2 * 24);
/// How long an invitation is shown after it has ended.
const INVITATIONS: Duration = Duration::from_hours(30 * 24);
/// How long the answer to a repeated request is kept.
const IDEMPOTENCY: Duration = Duration::from_hours(24);
/// How long the calls of models are accounted for: a year, and the month in which it is closed.
const MODEL_CALLS: Duration = Duration::from_hours(400 * 24);

/// How many documents are brought up to date between two sweeps at most.
const REFRESH: u32 = 2_000;

/// How long the lease of a sweep lasts.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// A sweep: its name, and its work, which says how many things it concerned.
type Sweep<'a> = (&'static str, BoxFuture<'a, Result<u64, StorageError>>);

/// A sweep that deletes in one transaction, which is repeated when the database rolled it back.
macro_rules! forget {
    ($engine:ident, $name:literal, |$tx:ident| $forget:expr) => {{
        let deleted = retried(move || async move {
            let mut $tx = $engine.db.begin().await?;
            let count = $forget.await?;
            $tx.commit().await?;
            Ok(count)
        });
        ($name, deleted.boxed())
    }};
}

/// Sweeps everything, one after another.
pub(crate) async fn all(engine: &Engine, context: &JobContext) {
    each(&engine.live, engine.process, sweeps(engine, context)).await;
}

fn sweeps<'a>(engine: &'a Engine, context: &'a JobContext) -> Vec<Sweep<'a>> {
    let now = engine.clock.now();
    let contact_days = (now - CONTACT_DAYS).date_naive();
    let model_calls = (now - MODEL_CALLS).date_naive();
    vec![
        forget!(engine, "deliveries", |tx| tx.system().deliveries().forget(now - UPDATES)),
        forget!(engine, "outbox", |tx| tx.system().outbox().forget(now - OUTBOX)),
        forget!(engine, "contact_days", |tx| tx.system().contacts().forget_days(contact_days)),
        forget!(engine, "sessions", |tx| tx.system().sessions().forget(now - SESSIONS)),
        forget!(engine, "registrations", |tx| {
            tx.system().registrations().forget(now - REGISTRATIONS)
        }),
        forget!(engine, "password_resets", |tx| tx.system().password_resets().forget(now)),
        forget!(engine, "login_attempts", |tx| {
            tx.system().login_attempts().forget(now - ATTEMPTS)
        }),
        forget!(engine, "invitations", |tx| tx.system().invitations().forget(now - INVITATIONS)),
        forget!(engine, "idempotency_keys", |tx| {
            tx.system().idempotency().forget(now - IDEMPOTENCY)
        }),
        forget!(engine, "model_calls", |tx| tx.system().model_calls().forget(model_calls)),
        ("documents", documents(engine, context).boxed()),
        ("neighbours", neighbours(engine, context).boxed()),
        ("sources", due_sources(engine).boxed()),
        ("accounts", accounts(engine).boxed()),
    ]
}

/// Does each sweep that no other process is at. One that fails does not keep the later ones from
/// being done; all of them are done again soon.
async fn each(live: &Live, process: ProcessId, sweeps: Vec<Sweep<'_>>) {
    let owner = process.to_string();
    for (name, work) in sweeps {
        let lease = match live.acquire(&format!("sweep:{name}"), &owner, LEASE).await {
            Ok(Some(lease)) => Some(lease),
            Ok(None) => continue,
            // While Redis is away nobody can have a lease. To sweep twice at once is only wasteful.
            Err(_) => None,
        };

        match while_held(live, lease.as_ref(), work).await {
            Some(Ok(count)) => tracing::debug!(sweep = name, count, "cleaned up"),
            Some(Err(error)) => {
                let error = &error as &dyn Error;
                tracing::warn!(sweep = name, error, "cleanup failed");
            }
            None => tracing::warn!(sweep = name, "cleanup was stopped: its lease was lost"),
        }

        if let Some(lease) = lease {
            // Where this fails the lease ends by itself.
            let _ = live.release(lease).await;
        }
    }
}

/// Works as long as the lease is held; `None` when another process took it before the work was
/// done.
async fn while_held<T>(
    live: &Live,
    lease: Option<&Lease>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let lost = async {
        let Some(lease) = lease else { return pending().await };
        loop {
            sleep(RENEW).await;
            if matches!(live.renew(lease, LEASE).await, Ok(false)) {
                return;
            }
        }
    };
    tokio::select! {
        done = work => Some(done),
        () = lost => None,
    }
}

/// Brings documents up to date that were indexed by earlier rules or embedded with another model.
async fn documents(engine: &Engine, context: &JobContext) -> Result<u64, StorageError> {
    let queued = index::embed::refresh(with(engine, context), REFRESH).await?;
    if queued > 0 {
        tracing::info!(documents = queued, "queued documents to be indexed or embedded again");
    }
    Ok(count(queued))
}

/// Queues assistants whose vectors belong into the index of the database.
async fn neighbours(engine: &Engine, context: &JobContext) -> Result<u64, StorageError> {
    index::neighbours::refresh(with(engine, context), LARGE).await.map(count)
}

/// Queues sources that are to be fetched again.
async fn due_sources(engine: &Engine) -> Result<u64, StorageError> {
    sources::queue_due(&engine.db, &engine.clock).await.map(count)
}

/// Deletes accounts whose time of grace is over.
async fn accounts(engine: &Engine) -> Result<u64, StorageError> {
    deletion::purge(&engine.db, engine.clock.now()).await.map(|()| 0)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use replyx_core::clock::Clock;

    use super::*;

    #[tokio::test]
    async fn a_sweep_that_fails_does_not_skip_the_later_ones_and_one_at_work_elsewhere_waits() {
        let live = Live::in_process();
        let clock = Clock::system();
        let here: ProcessId = clock.id();
        let done = Mutex::new(Vec::new());
        let sweep = |name: &'static str, result| {
            let done = &done;
            let work = async move {
                done.lock().unwrap().push(name);
                result
            };
            (name, work.boxed())
        };
        live.acquire("sweep:elsewhere", "another process", LEASE).await.unwrap().unwrap();

        let sweeps = vec![
            sweep("fails", Err(StorageError::Undone)),
            sweep("elsewhere", Ok(1)),
            sweep("works", Ok(2)),
        ];
        each(&live, here, sweeps).await;

        assert_eq!(*done.lock().unwrap(), ["fails", "works"]);
        let again = live.acquire("sweep:works", "another process", LEASE).await.unwrap();
        assert!(again.is_some(), "the lease was given back");
    }
}
