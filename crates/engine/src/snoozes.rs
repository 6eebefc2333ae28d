//! Snoozes end: by somebody's hand, or by the clock.

use replyx_core::{dialog::Dialog, snooze::SnoozeEnd};
use replyx_storage::{StorageError, Tx, retried};

use crate::Engine;

/// Ends the snooze of a dialog that is locked, if it has one.
pub(crate) async fn wake(
    engine: &Engine,
    tx: &mut Tx,
    dialog: &Dialog,
    because: SnoozeEnd,
) -> Result<(), StorageError> {
    let snooze = tx.workspace(dialog.workspace_id).snoozes().find(dialog.id).await?;
    if let Some(snooze) = snooze {
        let now = engine.clock.now();
        let because = snooze.ended_by(dialog, now).unwrap_or(because);
        tx.apply(snooze.end(because, now)).await?;
    }
    Ok(())
}

/// Ends the snoozes that are over, and says so. Returns how many.
pub async fn return_due(engine: &Engine) -> Result<usize, StorageError> {
    let over = {
        let mut tx = engine.db.read().await?;
        tx.system().snoozes().over(engine.clock.now()).await?
    };
    for (workspace, id) in &over {
        retried(|| async {
            let mut tx = engine.db.begin().await?;
            let dialog = tx.workspace(*workspace).dialogs().lock(*id).await?;
            let snooze = tx.workspace(*workspace).snoozes().find(*id).await?;
            let now = engine.clock.now();
            let ended = dialog.zip(snooze).and_then(|(dialog, snooze)| {
                let because = snooze.ended_by(&dialog, now)?;
                Some(snooze.end(because, now))
            });
            if let Some(change) = ended {
                tx.apply(change).await?;
            }
            tx.commit().await
        })
        .await?;
    }
    Ok(over.len())
}
