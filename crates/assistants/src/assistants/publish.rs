//! Which version answers customers.

use replyx_core::{
    actor::Caller,
    assistant::{Assistant, Version},
    ids::AssistantId,
};
use replyx_storage::{Tx, repeated};

use super::{PublishError, gate};
use crate::{Cx, Missing, permitted::Permitted};

/// Publishes the draft as the next version: it answers customers from now on.
///
/// # Errors
///
/// [`PublishError::Gate`] when the assistant has a gate, and no run of its question set shows that
/// the draft does no worse than the version published now.
pub async fn publish(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    note: &str,
) -> Result<Version, PublishError> {
    repeated(|| publish_once(cx, caller, id, note)).await
}

async fn publish_once(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    note: &str,
) -> Result<Version, PublishError> {
    let workspace = caller.workspace_id;
    let now = cx.clock.now();
    let mut tx = cx.db.begin().await?;
    let assistant = lock(&mut tx, caller, id).await?;
    Permitted::of(cx.models, &mut tx, workspace).await?.check(&assistant.settings)?;
    let run_id = gate::pass(&mut tx, &assistant).await?;

    let version = Version {
        number: tx.workspace(workspace).assistants().next_number(id).await?,
        settings: assistant.settings.clone(),
        note: note.to_owned(),
        run_id,
        created_by: caller.name(),
        created_at: now,
    };
    let published = tx.apply(assistant.publish(version, &caller.actor())).await?;
    tx.commit().await?;
    Ok(published.version)
}

/// Lets an earlier version answer customers again. The draft does not change.
pub async fn roll_back(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    number: i64,
) -> Result<Version, PublishError> {
    repeated(|| roll_back_once(cx, caller, id, number)).await
}

async fn roll_back_once(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    number: i64,
) -> Result<Version, PublishError> {
    let workspace = caller.workspace_id;
    let now = cx.clock.now();
    let mut tx = cx.db.begin().await?;
    let assistant = lock(&mut tx, caller, id).await?;
    let found = tx.workspace(workspace).assistants().version(id, number).await?;
    let version = found.ok_or(Missing("version"))?;
    Permitted::of(cx.models, &mut tx, workspace).await?.check(&version.settings)?;

    if let Ok(change) = assistant.roll_back(number, &caller.actor(), now) {
        tx.apply(change).await?;
    }
    tx.commit().await?;
    Ok(version)
}

async fn lock(tx: &mut Tx, caller: &Caller, id: AssistantId) -> Result<Assistant, PublishError> {
    let found = tx.workspace(caller.workspace_id).assistants().lock(id).await?;
    Ok(found.ok_or(Missing("assistant"))?)
}
