//! Takes on turns that are due and runs them, as many at once as the settings allow.

use std::{error::Error, sync::Arc, time::Duration};

use replyx_storage::{
    StorageError,
    fair::{Places, Round},
    retried,
    turns::{Attempts, ClaimedTurn},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Engine, turn};

/// How long to sleep at most when nobody rings.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How many turns are taken on in one transaction.
const TOGETHER: usize = 32;
/// How long to wait at first when turns are due that other processes are claiming.
const HELD_BY_OTHERS: Duration = Duration::from_millis(20);

/// How long to wait at most when turns are due that may not be taken now: a turn of another
/// workspace may become due in the meantime, and nobody rings for it.
const HELD_AT_MOST: Duration = Duration::from_millis(160);

/// How many turns of one workspace may run at once, of `turns` places in all: an eighth is kept for
/// the others. A place whose turn waits for a model is not free for up to a minute and a half.
fn each(turns: usize) -> u32 {
    u32::try_from(turns - turns / 8).unwrap_or(u32::MAX)
}

/// Runs turns until stopped, then waits for those that are running. Dropping the future leaves the
/// running ones to the process's end: they are handed back by [`replyx_storage::processes`].
pub async fn work(engine: Arc<Engine>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(engine.settings.turns));
    let running = TaskTracker::new();
    let ended = Arc::new(Notify::new());
    let mut round = Round::default();
    let mut patience = HELD_BY_OTHERS;
    while !stop.is_cancelled() {
        // Who has no room leaves the work to other processes.
        tokio::select! {
            room = free.acquire() => drop(room),
            () = stop.cancelled() => break,
        }
        let room = free.available_permits().min(TOGETHER);
        let found = match retried(|| claim(&engine, room, round)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "could not claim turns");
                tokio::select! {
                    () = sleep(LONGEST_SLEEP) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
        };
        let nap = match found {
            Found::Turns(turns) => {
                round = round.after(turns.iter().map(|turn| turn.workspace_id.into_uuid()));
                patience = HELD_BY_OTHERS;
                for claimed in turns {
                    let engine = Arc::clone(&engine);
                    let ended = Arc::clone(&ended);
                    let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
                    running.spawn(async move {
                        turn::run(&engine, claimed).await;
                        drop(permit);
                        ended.notify_one();
                    });
                }
                continue;
            }
            Found::Held => {
                let nap = patience;
                patience = (patience * 2).min(HELD_AT_MOST);
                tokio::select! {
                    () = engine.bell.turns(nap) => {}
                    // A workspace that has all its places may have one more.
                    () = ended.notified() => patience = HELD_BY_OTHERS,
                    () = stop.cancelled() => {}
                }
                continue;
            }
            Found::Nothing => nap(&engine).await,
        };
        tokio::select! {
            () = engine.bell.turns(nap) => {}
            () = stop.cancelled() => {}
        }
    }
    running.close();
    running.wait().await;
}

/// What a look for turns found.
enum Found {
    /// Turns that are ours.
    Turns(Vec<ClaimedTurn>),
    /// Turns are due, but none that may be taken now: other processes hold them, or one workspace
    /// has its places.
    Held,
    /// No turn is due.
    Nothing,
}

async fn claim(engine: &Engine, room: usize, round: Round) -> Result<Found, StorageError> {
    let now = engine.clock.now();
    let due = engine.db.read().await?.system().turns().next_due().await?;
    if due.is_none_or(|due| due > now) {
        return Ok(Found::Nothing);
    }

    let free = u32::try_from(room).unwrap_or_default();
    let places = Places { free, each: each(engine.settings.turns), round };
    let mut tx = engine.db.begin().await?;
    let claimed = tx.system().turns().claim(engine.process, now, places).await?;
    if claimed.is_empty() {
        return Ok(Found::Held);
    }
    for turn in &claimed {
        let dialog = tx.workspace(turn.workspace_id).dialogs().find(turn.dialog_id).await?;
        if let Some(dialog) = dialog {
            tx.apply(dialog.turn_started(turn.attempts, now)).await?;
        }
    }
    if let Err(error) = tx.commit().await {
        // It may have been committed all the same: then they are ours, and nobody else takes them.
        for turn in &claimed {
            turn::hand_back(engine, turn, Attempts::Forgive).await;
        }
        return Err(error);
    }
    Ok(Found::Turns(claimed))
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
