//! All background jobs of the installation.

use replyx_core::{
    act,
    actor::Admin,
    change::Change,
    ids::JobId,
    page::{Page, PageRequest},
};
use replyx_storage::{
    Tx,
    jobs::{JobFilter, SeenJob},
};

use crate::{Cx, Error, Result};

/// Lists jobs, the newest first.
pub async fn list(
    cx: &Cx,
    _admin: &Admin,
    filter: &JobFilter,
    page: PageRequest<JobId>,
) -> Result<Page<SeenJob, JobId>> {
    Ok(cx.db.read().await?.system().jobs().list(filter, page).await?)
}

/// A job that nobody else changes until the transaction ends, and that does not run.
async fn lock(tx: &mut Tx, id: JobId) -> Result<SeenJob> {
    let job = tx.system().jobs().lock(id).await?.ok_or(Error::NotFound("job"))?;
    if job.status == "running" { Err(Error::JobRunning) } else { Ok(job) }
}

/// Lets a job run at once, with all its attempts.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::JobRunning`].
pub async fn retry(cx: &Cx, admin: &Admin, id: JobId) -> Result<SeenJob> {
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let job = lock(&mut tx, id).await?;
        tx.system().jobs().run_again(id, now).await?;
        let act = act::JobRetried { job: id, kind: job.kind.clone() };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(SeenJob { status: "queued".to_owned(), attempts: 0, due_at: now, ..job })
    })
    .await
}

/// Ends a job: a worker gives it up and with it what waits for it. One that is dead is forgotten.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::JobRunning`], and [`Error::JobScheduled`] for one that runs by the
/// clock.
pub async fn cancel(cx: &Cx, admin: &Admin, id: JobId) -> Result<()> {
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let job = lock(&mut tx, id).await?;
        if job.lane == "scheduled" {
            return Err(Error::JobScheduled);
        }
        tx.system().jobs().end(id, now).await?;
        let act = act::JobCanceled { job: id, kind: job.kind };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
