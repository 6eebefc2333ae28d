//! Takes on turns that are due and runs them, as many at once as the settings allow.

use std::{error::Error, sync::Arc, time::Duration};

use replyx_core::event::Event;
use replyx_storage::{
    StorageError, retried,
    turns::{Attempts, ClaimedTurn},
};
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Engine, turn};

/// How long to sleep at most when nobody rings.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How many turns are taken on in one transaction.
const TOGETHER: usize = 32;

/// Runs turns until stopped, then waits for those that are running. Dropping the future leaves the running
/// ones to the process's end: they are handed back by [`replyx_storage::processes`].
pub async fn work(engine: Arc<Engine>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(engine.settings.turns));
    let running = TaskTracker::new();
    while !stop.is_cancelled() {
        // Who has no room leaves the work to other processes.
        tokio::select! {
            room = free.acquire() => drop(room),
            () = stop.cancelled() => break,
        }
        let room = free.available_permits().min(TOGETHER);
        let claimed = match retried(|| claim(&engine, room)).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "turns could not be claimed");
                tokio::select! {
                    () = sleep(LONGEST_SLEEP) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
        };
        let none = claimed.is_empty();
        for claimed in claimed {
            let engine = Arc::clone(&engine);
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
            running.spawn(async move {
                turn::run(&engine, claimed).await;
                drop(permit);
            });
        }
        if none {
            let nap = nap(&engine).await;
            tokio::select! {
                () = engine.bell.turns(nap) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    running.close();
    running.wait().await;
}

async fn claim(engine: &Engine, room: usize) -> Result<Vec<ClaimedTurn>, StorageError> {
    let room = u32::try_from(room).unwrap_or_default();
    let now = engine.clock.now();
    let due = engine.db.read().await?.system().turns().next_due().await?;
    if room == 0 || due.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    let mut tx = engine.db.begin().await?;
    let claimed = tx.system().turns().claim(engine.process, now, room).await?;
    for turn in &claimed {
        let dialog = tx.workspace(turn.workspace_id).dialogs().find(turn.dialog_id).await?;
        let seq = dialog.map_or(0, |dialog| dialog.heard_seq);
        let event = Event::TurnStarted { dialog_id: turn.dialog_id, seq, attempt: turn.attempts };
        tx.record(turn.workspace_id, event, now);
    }
    if let Err(error) = tx.commit().await {
        // It may have been committed all the same: then they are ours, and nobody else takes them.
        for turn in &claimed {
            turn::hand_back(engine, turn, Attempts::Forgive).await;
        }
        return Err(error);
    }
    Ok(claimed)
}

/// How long nothing will be due.
async fn nap(engine: &Engine) -> Duration {
    let due = async { engine.db.read().await?.system().turns().next_due().await }.await;
    match due {
        Ok(Some(due)) => (due - engine.clock.now())
            .to_std()
            .unwrap_or(Duration::from_millis(5))
            .clamp(Duration::from_millis(5), LONGEST_SLEEP),
        _ => LONGEST_SLEEP,
    }
}
