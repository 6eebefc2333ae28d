//! What people change of a dialog at once: who has it, its tags, and until when it is out of sight.

use chrono::{DateTime, Utc};
use replyx_core::{
    actor::Caller,
    dialog::{Contact, Dialog},
    ids::{DialogId, TagId, UserId},
    patch::Patch,
    rules::snooze::SnoozeRefused,
    snooze::SnoozeEnd,
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::{
    Engine,
    assignment::{self, AssignError},
    control::{self, ControlError},
    snoozes,
};

/// A dialog could not be changed.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// It could not be given to somebody else.
    #[error(transparent)]
    Assign(#[from] AssignError),
    /// Control does not allow it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// It cannot be snoozed.
    #[error(transparent)]
    Snooze(#[from] SnoozeRefused),
    /// There is no such tag in the workspace.
    #[error("`{0}` is not a tag of the workspace")]
    NoTag(TagId),
    /// The database failed.
    #[error("the dialog could not be changed")]
    Storage(#[from] StorageError),
}

/// What is to change of a dialog. What is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub struct DialogChange {
    /// Who has it; cleared: it goes back to those that wait, if somebody has it.
    pub assignee: Patch<UserId>,
    /// All its tags.
    pub tags: Option<Vec<TagId>>,
    /// Until when it is out of sight; cleared: it is in sight.
    pub snoozed_until: Patch<DateTime<Utc>>,
    /// The dialog's epoch as the caller saw it: the change fails if it is another one.
    pub epoch: Option<i64>,
}

/// Changes a dialog in one transaction.
///
/// # Errors
///
/// [`UpdateError`] says what is wrong; then nothing has changed.
pub async fn dialog(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    change: &DialogChange,
) -> Result<Dialog, UpdateError> {
    repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let found = control::lock(&mut tx, caller.workspace_id, id).await?;
        let (dialog, contact) = found.ok_or(ControlError::Missing)?;
        let dialog = apply(engine, &mut tx, caller, (dialog, &contact), change).await?;
        tx.commit().await?;
        Ok(dialog)
    })
    .await
}

/// Changes a dialog that is locked.
pub(crate) async fn apply(
    engine: &Engine,
    tx: &mut Tx,
    caller: &Caller,
    (mut dialog, contact): (Dialog, &Contact),
    change: &DialogChange,
) -> Result<Dialog, UpdateError> {
    let moves_it = change.assignee.changes() || change.snoozed_until.changes();
    if moves_it || change.epoch.is_some() {
        control::may_decide(&dialog, caller, change.epoch)?;
    }

    dialog = match change.assignee {
        Patch::Keep => dialog,
        Patch::Clear => assignment::unassign(engine, tx, caller, (dialog, contact)).await?,
        Patch::Set(to) => assignment::assign(engine, tx, caller, (dialog, contact), to).await?,
    };
    if let Some(wanted) = &change.tags {
        tag(engine, tx, &dialog, wanted).await?;
    }
    match change.snoozed_until {
        Patch::Keep => {}
        Patch::Clear => snoozes::wake(engine, tx, &dialog, SnoozeEnd::Operator).await?,
        Patch::Set(until) => {
            tx.apply(dialog.snooze(until, engine.clock.now())?).await?;
        }
    }
    Ok(dialog)
}

/// Sets the tags of a dialog that is locked.
pub(crate) async fn tag(
    engine: &Engine,
    tx: &mut Tx,
    dialog: &Dialog,
    wanted: &[TagId],
) -> Result<(), UpdateError> {
    let workspace = dialog.workspace_id;
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    for id in &wanted {
        let found = tx.workspace(workspace).tags().find(*id).await?;
        found.ok_or(UpdateError::NoTag(*id))?;
    }

    let mut has = tx.workspace(workspace).tags().of_dialogs(&[dialog.id]).await?;
    has.sort_unstable_by_key(|(_, tag)| tag.id);
    if has.iter().map(|(_, tag)| tag.id).ne(wanted.iter().copied()) {
        tx.apply(dialog.tag(wanted, engine.clock.now())).await?;
    }
    Ok(())
}
