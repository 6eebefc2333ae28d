//! What runs by the clock: forgets what is no longer needed, so that tables stay bounded, brings
//! documents up to date, seals the ledger, and deletes accounts whose time has come.
//!
//! Each is a job of its own, which one process runs at a time: one that fails, or takes long, holds
//! up no other. What is old is deleted in batches, each in a transaction of its own, and accounts
//! one by one.

use std::time::Duration;

use futures::{FutureExt, TryFutureExt, future::BoxFuture};
use replyx_accounts::deletion;
use replyx_billing::{Mode, books, seal, watch, welcome};
use replyx_core::{
    attachment::UPLOAD_LIFE,
    job::{Kind, Lane},
    retry::Retry,
};
use replyx_engine::{assignment, dialog_terms, long_waits, member_mail, sla};
use replyx_knowledge::{index, search::LARGE, sources};
use replyx_storage::{StorageError, Tx, documents, files, retried, sweep::BATCH};
use serde::Deserialize;

use super::index::with;
use crate::job::{Failed, Job, JobRun, Schedule};

/// How long after its end each is done again.
const EVERY: Duration = Duration::from_mins(10);
/// How often one is claimed that does not come to an end, before it waits for its next time.
const ATTEMPTS: u32 = 3;
/// When one is continued that the database interrupted.
const AGAIN: Duration = Duration::from_secs(30);
/// How many documents are queued to be brought up to date in one run at most.
const REFRESH: u32 = 2_000;

const fn by_the_clock(name: &'static str) -> Kind {
    Kind { name, lane: Lane::Scheduled }
}

const fn days(number: u64) -> Duration {
    Duration::from_hours(24 * number)
}

/// How long after its end files without a row are looked for again: the whole store is listed.
const SWEEP_FILES: Duration = Duration::from_hours(6);

/// How long after its end passages are looked for again that do not say who knows them: assistants
/// too large for the memory wait for it.
const RESCOPE_DOCUMENTS: Duration = Duration::from_mins(1);

/// How long after its end holds are looked for again: nobody can spend what they hold.
const RELEASE_HOLDS: Duration = Duration::from_mins(1);

/// How long after its end operators are looked after again.
const TEND_OPERATORS: Duration = Duration::from_secs(15);
/// How long after its end members are looked for again who are to be written to.
const WRITE_TO_MEMBERS: Duration = Duration::from_secs(15);
/// How long after its end customers are looked for again who have waited for long.
const TELL_WAITING: Duration = Duration::from_mins(1);
/// How long after its end trials are looked for again whose time is over.
const END_TRIALS: Duration = Duration::from_mins(1);

/// How long after its end balances are looked at again.
const WATCH_BALANCES: Duration = Duration::from_mins(1);

/// How long after its end the database is measured again.
const MEASURE_DATABASE: Duration = Duration::from_hours(1);
/// How long measurements are kept.
const SIZES: Duration = days(400);

/// How long after its end promised times are looked at again: what is told of them is that late.
const FOLLOW_SLAS: Duration = Duration::from_secs(5);

/// How long after its end dialogs are looked for again whose words changed: what was said is found
/// that late.
const INDEX_DIALOGS: Duration = Duration::from_secs(5);

/// A job that runs by the clock: `scheduled!(Name, its kind, |run| what it does and counts)`.
macro_rules! scheduled {
    ($(#[$doc:meta])* $job:ident, $kind:expr, |$run:ident| $work:expr) => {
        scheduled!($(#[$doc])* $job, $kind, EVERY, |$run| $work);
    };
    ($(#[$doc:meta])* $job:ident, $kind:expr, $every:expr, |$run:ident| $work:expr) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        pub(crate) struct $job {}

        impl Job for $job {
            const KIND: Kind = $kind;
            const ATTEMPTS: u32 = ATTEMPTS;
            const SCHEDULE: Schedule = Schedule::Every($every);

            async fn run(self, $run: JobRun<'_>) -> Result<(), Failed> {
                let done = $work;
                done.boxed().await
            }

            async fn give_up(self, _: JobRun<'_>) -> Result<(), String> {
                Ok(())
            }
        }
    };
}

/// A job that deletes what is older than `$age`: the statement deletes a batch at most.
macro_rules! forget {
    (
        $(#[$doc:meta])* $job:ident, $name:literal, $age:expr,
        |$tx:ident, $before:ident| $forget:expr
    ) => {
        scheduled!($(#[$doc])* $job, by_the_clock($name), |run| {
            let $before = run.engine.clock.now() - $age;
            in_batches(run, Self::KIND, move |$tx| $forget.boxed())
        });
    };
}

forget!(
    /// Telegram redelivers for a day; a week is safe.
    ForgetDeliveries, "forget_deliveries", days(7),
    |tx, before| tx.system().deliveries().forget(before)
);
forget!(
    /// Delivered parts are kept for questions about them; their messages stay.
    ForgetParts, "forget_outbox", days(30),
    |tx, before| tx.system().outbox().forget(before)
);
forget!(
    /// The answers of a day are counted until it has ended on every clock.
    ForgetContactDays, "forget_contact_days", days(2),
    |tx, before| tx.system().contacts().forget_days(before.date_naive())
);
forget!(
    /// A step on many dialogs can be undone for a minute.
    ForgetBulkItems, "forget_bulk_items", days(1),
    |tx, before| tx.system().bulk_items().forget(before)
);
forget!(
    /// How long customers waited is compared with the year before.
    ForgetWaits, "forget_waits", days(400),
    |tx, before| tx.system().waits().forget(before)
);
forget!(
    /// So is when operators were there.
    ForgetOperatorStates, "forget_operator_states", days(400),
    |tx, before| tx.system().operators().forget_states(before)
);
forget!(
    /// A kept answer is of no use once it has ended.
    ForgetKeptAnswers, "forget_kept_answers", Duration::ZERO,
    |tx, before| tx.system().kept_answers().forget(before)
);
forget!(
    /// Sessions that have ended are remembered: who comes back from the same place is no news.
    ForgetSessions, "forget_sessions", days(90),
    |tx, before| tx.system().sessions().forget(before)
);
forget!(
    /// A registration may be sent a new code for a while after its last one has ended.
    ForgetRegistrations, "forget_registrations", days(1),
    |tx, before| tx.system().registrations().forget(before)
);
forget!(
    /// Links that reset a password are of no use once they have ended.
    ForgetPasswordResets, "forget_password_resets", Duration::ZERO,
    |tx, before| tx.system().password_resets().forget(before)
);
forget!(
    /// Failed attempts to sign in matter no longer than an account can be locked.
    ForgetLoginAttempts, "forget_login_attempts", days(2),
    |tx, before| tx.system().login_attempts().forget(before)
);
forget!(
    /// An invitation is shown for a while after it has ended.
    ForgetInvitations, "forget_invitations", days(30),
    |tx, before| tx.system().invitations().forget(before)
);
forget!(
    /// The answer to a request is kept for a day, in case the request is repeated.
    ForgetIdempotencyKeys, "forget_idempotency_keys", days(1),
    |tx, before| tx.system().idempotency().forget(before)
);
forget!(
    /// Calls of models are accounted for: a year, and the month in which it is closed.
    ForgetModelCalls, "forget_model_calls", days(400),
    |tx, before| tx.system().model_calls().forget(before.date_naive())
);
forget!(
    /// A job that failed for good tells why for a month; a mail among them holds its letter.
    ForgetDeadJobs, "forget_dead_jobs", days(30),
    |tx, before| tx.system().jobs().forget_dead(before)
);

forget!(
    /// A file that was uploaded to be sent waits for a day.
    ForgetUploads, "forget_uploads", UPLOAD_LIFE,
    |tx, before| tx.system().uploads().forget(before)
);

scheduled!(
    /// Follows the times of replies that were promised, and tells of those that are at risk or
    /// broken.
    FollowSlas, by_the_clock("follow_slas"), FOLLOW_SLAS, |run| {
        counted(Self::KIND, sla::sweep(run.engine))
    }
);

scheduled!(
    /// Writes to the people who answer customers what they are to know.
    WriteToMembers, by_the_clock("write_to_members"), WRITE_TO_MEMBERS, |run| {
        counted(Self::KIND, member_mail::sweep(run.engine, run.context.product.url.as_deref()))
    }
);

scheduled!(
    /// Tells customers who have waited for a human for long that the wait goes on.
    TellWaiting, by_the_clock("tell_waiting"), TELL_WAITING, |run| {
        counted(Self::KIND, long_waits::sweep(run.engine))
    }
);

scheduled!(
    /// Follows what is said, so that dialogs are found by its words.
    IndexDialogs, by_the_clock("index_dialogs"), INDEX_DIALOGS, |run| async move {
        loop {
            may_go_on(run)?;
            match dialog_terms::step(run.engine).await.map_err(|error| failed(&error))? {
                Some(done) => count(Self::KIND, done),
                None => return Ok(()),
            }
        }
    }
);

scheduled!(
    /// Queues documents that were indexed by earlier rules or embedded with another model.
    RefreshDocuments, by_the_clock("refresh_documents"), |run| {
        let queued = index::embed::refresh(with(run.engine, run.context), REFRESH);
        counted(Self::KIND, queued)
    }
);
scheduled!(
    /// Queues assistants whose vectors belong into the index of the database.
    RefreshNeighbours, by_the_clock("refresh_neighbours"), |run| {
        let queued = index::neighbours::refresh(with(run.engine, run.context), LARGE);
        counted(Self::KIND, queued)
    }
);
scheduled!(
    /// Queues sources that are to be fetched again.
    QueueSources, by_the_clock("queue_sources"), |run| {
        counted(Self::KIND, sources::queue_due(&run.engine.db, &run.engine.clock))
    }
);
scheduled!(
    /// Deletes what is left of large documents that were deleted.
    DeleteDocuments, documents::PURGE, |run| {
        in_steps(run, Self::KIND, |tx| tx.system().documents().purge().boxed())
    }
);

scheduled!(
    /// Brings passages of large documents in step with the assistants that know them.
    RescopeDocuments, documents::RESCOPE, RESCOPE_DOCUMENTS, |run| {
        in_steps(run, Self::KIND, |tx| tx.system().documents().rescope().boxed())
    }
);
scheduled!(
    /// Deletes files that no row names: what was kept for a transaction that failed, and what was
    /// deleted.
    SweepFiles, by_the_clock("sweep_files"), SWEEP_FILES, |run| {
        let sweep = files::sweep(&run.engine.db, run.engine.clock.now());
        counted(Self::KIND, sweep.map_ok(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }
);
scheduled!(
    /// Deletes accounts whose time of grace is over.
    DeleteAccounts, by_the_clock("delete_accounts"), |run| {
        counted(Self::KIND, deletion::purge(&run.engine.db, run.engine.clock.now()))
    }
);
scheduled!(
    /// Makes money available again that was set aside for work that nobody finished.
    ReleaseHolds, by_the_clock("release_holds"), RELEASE_HOLDS, |run| {
        let released = books::release_expired(&run.engine.db, run.engine.clock.now());
        counted(Self::KIND, released.map_ok(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }
);
scheduled!(
    /// Takes back what is left of trials whose time is over.
    EndTrials, by_the_clock("end_trials"), END_TRIALS, |run| {
        let ended = welcome::end_trials(&run.engine.db, &run.engine.tuning, run.engine.clock.now());
        counted(Self::KIND, ended.map_ok(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }
);
scheduled!(
    /// Tells owners of balances that are low and of trials that end.
    WatchBalances, by_the_clock("watch_balances"), WATCH_BALANCES, |run| {
        let told = watched(run);
        counted(Self::KIND, told.map_ok(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }
);
scheduled!(
    /// Seals the newest entries of the ledger, and sums the accounts of the installation.
    SealLedger, by_the_clock("seal_ledger"), |run| {
        let sealed = seal::seal(&run.engine.db, run.engine.clock.now());
        counted(Self::KIND, sealed.map_ok(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }
);

scheduled!(
    /// Measures how large the database and its tables are.
    MeasureDatabase, by_the_clock("measure_database"), MEASURE_DATABASE, |run| {
        counted(Self::KIND, measured(run))
    }
);

scheduled!(
    /// Operators who are silent go offline; what they have, and what waits, is given to others.
    TendOperators, by_the_clock("tend_operators"), TEND_OPERATORS, |run| {
        counted(Self::KIND, assignment::tend(run.engine))
    }
);

/// Measures without holding up anybody who writes; returns how many tables there are.
async fn measured(run: JobRun<'_>) -> Result<usize, StorageError> {
    let engine = &run.engine;
    let mut reading = engine.db.read().await?;
    let size = reading.system().sizes().measure(engine.clock.now()).await?;
    drop(reading);

    retried(|| async {
        let mut tx = engine.db.begin().await?;
        tx.system().sizes().keep(&size).await?;
        tx.system().sizes().forget((size.measured_at - SIZES).date_naive()).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    Ok(size.tables.len())
}

/// Nobody is told anything of money where nobody pays.
async fn watched(run: JobRun<'_>) -> Result<u64, StorageError> {
    let engine = &run.engine;
    if engine.settings.billing == Mode::Off {
        return Ok(0);
    }
    watch::watch(&engine.db, &engine.tuning, &engine.keys, &engine.clock).await
}

type Deleted<'a> = BoxFuture<'a, Result<u64, StorageError>>;

/// Deletes batch by batch, each in a transaction of its own, until less than a batch is left.
async fn in_batches(
    run: JobRun<'_>,
    kind: Kind,
    forget: impl for<'t> Fn(&'t mut Tx) -> Deleted<'t> + Send + Sync,
) -> Result<(), Failed> {
    loop {
        may_go_on(run)?;
        let batch = retried(|| async {
            let mut tx = run.engine.db.begin().await?;
            let deleted = forget(&mut tx).await?;
            tx.commit().await?;
            Ok(deleted)
        });

        let deleted = batch.await.map_err(|error| failed(&error))?;
        count(kind, deleted);
        if deleted < BATCH {
            return Ok(());
        }
    }
}

/// Works step by step, each step in a transaction of its own, until one says that nothing is left.
async fn in_steps(
    run: JobRun<'_>,
    kind: Kind,
    one: impl for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<Option<u64>, StorageError>> + Send + Sync,
) -> Result<(), Failed> {
    loop {
        may_go_on(run)?;
        let step = retried(|| async {
            let mut tx = run.engine.db.begin().await?;
            let done = one(&mut tx).await?;
            tx.commit().await?;
            Ok(done)
        });

        let Some(done) = step.await.map_err(|error| failed(&error))? else { return Ok(()) };
        count(kind, done);
    }
}

/// Counts what was done.
async fn counted(
    kind: Kind,
    work: impl Future<Output = Result<usize, StorageError>>,
) -> Result<(), Failed> {
    let number = work.await.map_err(|error| failed(&error))?;
    count(kind, u64::try_from(number).unwrap_or(u64::MAX));
    Ok(())
}

fn count(kind: Kind, number: u64) {
    metrics::counter!("scheduled_rows_total", "kind" => kind.name).increment(number);
    if number > 0 {
        tracing::debug!(job.kind = kind.name, count = number, "cleaned up");
    }
}

/// Between two steps: another process goes on when this one ends.
fn may_go_on(run: JobRun<'_>) -> Result<(), Failed> {
    if run.context.stop.is_cancelled() {
        let reason = "the program ends".to_owned();
        return Err(Failed::interrupted(reason, Retry::After(Duration::ZERO)));
    }
    Ok(())
}

/// A database that is busy or away costs no attempt; after another error it waits for its next
/// time.
fn failed(error: &StorageError) -> Failed {
    let reason = error.to_string();
    if error.is_transient() {
        Failed::interrupted(reason, Retry::After(AGAIN))
    } else {
        Failed::made(reason, Retry::Never)
    }
}
