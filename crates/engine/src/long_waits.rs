//! Customers who have waited long for a person are told, once, that their wait goes on.
//!
//! When that is, is decided once of each wait, by the owner's hours with which it began.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{AssistantSettings, FixedText},
    dialog::Control,
    ids::{AssistantId, DialogId, WorkspaceId},
    rules::dialog::Announcement,
    waiting::WaitNotice,
};
use replyx_storage::{StorageError, retried, waits::UnplannedWait};

use crate::{Engine, announce, control};

/// How many waits are looked at at once.
const TOGETHER: u32 = 200;

/// Tells the customers who have waited for as long as the owner wants, each once. Returns how many.
///
/// # Errors
///
/// Fails when the database does; what was done before stays.
pub async fn sweep(engine: &Engine) -> Result<usize, StorageError> {
    plan(engine).await?;

    let mut told = 0;
    loop {
        let now = engine.clock.now();
        let due = engine.db.read().await?.system().waits().due(now, TOGETHER).await?;
        for (workspace, dialog) in &due {
            let is_told = retried(|| still_waiting(engine, *workspace, *dialog)).await?;
            told += usize::from(is_told);
        }
        if due.len() < TOGETHER as usize {
            return Ok(told);
        }
    }
}

/// Decides of each new wait when the customer is to be told. It keeps the owner's number of hours
/// with which it began.
async fn plan(engine: &Engine) -> Result<(), StorageError> {
    loop {
        let mut tx = engine.db.read().await?;
        let waits = tx.system().waits().unplanned(TOGETHER).await?;
        drop(tx);
        if !waits.is_empty() {
            retried(|| plan_all(engine, &waits)).await?;
        }
        if waits.len() < TOGETHER as usize {
            return Ok(());
        }
    }
}

async fn plan_all(engine: &Engine, waits: &[UnplannedWait]) -> Result<(), StorageError> {
    let mut tx = engine.db.begin().await?;
    let mut known: HashMap<AssistantId, Option<AssistantSettings>> = HashMap::new();
    for wait in waits {
        let settings = match known.entry(wait.assistant_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let found =
                    announce::settings(&mut tx, wait.workspace_id, wait.assistant_id).await?;
                new.insert(found)
            }
        };
        let due = settings.as_ref().and_then(|settings| due_at(settings, wait.began_at));
        tx.workspace(wait.workspace_id).waits().plan(wait, due).await?;
    }
    tx.commit().await.map(drop)
}

/// When a customer who has waited since a moment is told. `None`: never, or not within a year.
fn due_at(settings: &AssistantSettings, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let hours = settings.handoff.waiting_hours;
    let waited = Duration::from_hours(u64::from(hours));
    (hours > 0).then(|| settings.business_hours().after(since, waited)).flatten()
}

/// Tells a customer that the wait goes on, if it does. Says whether it told them.
async fn still_waiting(
    engine: &Engine,
    workspace: WorkspaceId,
    id: DialogId,
) -> Result<bool, StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let Some((dialog, contact)) = control::lock(&mut tx, workspace, id).await? else {
        return Ok(false);
    };
    // Another process may have told them, or somebody may have answered.
    if dialog.control != Control::Waiting
        || !tx.workspace(workspace).waits().is_due(id, now).await?
    {
        return Ok(false);
    }

    let settings = announce::settings(&mut tx, workspace, dialog.assistant_id).await?;
    let channel = announce::passable(&mut tx, &dialog, &contact).await?;
    let Some((settings, channel)) = settings.zip(channel) else {
        tx.workspace(workspace).waits().end_notice(id, WaitNotice::None).await?;
        return tx.commit().await.map(|_| false);
    };
    let language = announce::language(&mut tx, &dialog, &settings).await?;
    let text = settings.say(FixedText::StillWaiting, language).to_owned();
    let words = Announcement { id: engine.clock.id(), text, operator: None };
    announce::say(engine, &mut tx, (dialog, &contact, &channel), words, now).await?;
    tx.workspace(workspace).waits().end_notice(id, WaitNotice::Given).await?;
    tx.commit().await.map(|_| true)
}
