//! The times of replies that are promised to customers.

use replyx_core::{actor::Caller, ids::AssistantId, sla::SlaPolicy};
use replyx_storage::repeated;

use super::OperationError;
use crate::{Cx, Missing};

/// What is promised to the customers of an assistant.
pub async fn promised(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
) -> Result<SlaPolicy, OperationError> {
    let mut tx = cx.db.read().await?;
    let found = tx.workspace(caller.workspace_id).assistants().find(id).await?;
    found.ok_or(Missing("assistant"))?;
    Ok(tx.workspace(caller.workspace_id).slas().policy(id).await?)
}

/// Promises other times from now on. Clocks that run keep what they began with.
pub async fn promise(
    cx: Cx<'_>,
    caller: &Caller,
    id: AssistantId,
    policy: SlaPolicy,
) -> Result<(), OperationError> {
    let workspace = caller.workspace_id;
    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(workspace).assistants().lock(id).await?;
        let assistant = found.ok_or(Missing("assistant"))?;
        tx.apply(assistant.promise(policy, &caller.actor(), cx.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
