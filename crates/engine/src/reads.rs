//! How far each member has read a dialog.

use replyx_core::{actor::Caller, ids::DialogId};
use replyx_storage::repeated;

use crate::{Engine, control::ControlError};

/// Notes how far the caller has read a dialog. A program with a key reads for nobody.
///
/// # Errors
///
/// [`ControlError::Missing`] when there is no such dialog.
pub async fn mark(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    seq: i64,
) -> Result<(), ControlError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let found = tx.workspace(workspace).dialogs().find(id).await?;
        let dialog = found.ok_or(ControlError::Missing)?;
        let Some(member) = caller.user_id() else { return Ok(()) };

        let inbox = tx.workspace(workspace).inbox();
        inbox.read(member, id, seq.min(dialog.last_seq)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
