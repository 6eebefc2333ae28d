//! One step on many dialogs, and its undoing for a minute.
//!
//! Each dialog is a transaction of its own, by the same rules as if it was the only one: what one
//! of them refuses leaves the others as they are. What undoing takes is stored in the same
//! transaction.

use chrono::{DateTime, Utc};
use replyx_core::{
    actor::Caller,
    bulk::{BulkItem, BulkStep, Holder, UNDO, Undo},
    dialog::{Contact, Control, Dialog, HandoffReason, Operator},
    ids::{BulkId, DialogId, TagId, UserId},
    patch::Patch,
    presence::AssignReason,
    tag::Tag,
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    Engine,
    assignment::{self, AssignError},
    control::{self, ControlError},
    update::{self, DialogChange, UpdateError},
};

/// A dialog stays as it is.
#[derive(Debug, Error)]
pub enum BulkError {
    /// By the rules of a change.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// It would have more tags than a dialog has.
    #[error("a dialog has at most {most} tags", most = Tag::MOST_OF_DIALOG)]
    TooManyTags,
    /// It has changed since the step, which is not undone.
    #[error("the dialog has changed since")]
    ChangedSince,
    /// There is no such step of the caller's, or it can no longer be undone.
    #[error("there is nothing that can be undone")]
    NothingToUndo,
}

impl From<StorageError> for BulkError {
    fn from(error: StorageError) -> Self {
        Self::Update(error.into())
    }
}

impl From<ControlError> for BulkError {
    fn from(error: ControlError) -> Self {
        Self::Update(error.into())
    }
}

/// What became of one of the dialogs.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub dialog_id: DialogId,
    /// `true`: it has changed; `false`: it was as wished already.
    pub changed: Result<bool, BulkError>,
}

/// What a step did.
#[derive(Debug)]
pub struct Done {
    /// Its name, to undo it.
    pub bulk_id: BulkId,
    /// Until when it can be undone.
    pub undo_until: DateTime<Utc>,
    /// What became of each dialog.
    pub outcomes: Vec<Outcome>,
}

/// A step of the caller's.
struct Step<'a> {
    engine: &'a Engine,
    caller: &'a Caller,
    bulk_id: BulkId,
    now: DateTime<Utc>,
}

/// Does a step to each of these dialogs.
///
/// # Errors
///
/// Fails when the step itself is wrong: it names a tag that is not there, or nobody who may answer
/// customers. Then nothing has changed.
pub async fn apply(
    engine: &Engine,
    caller: &Caller,
    dialogs: &[DialogId],
    step: &BulkStep,
) -> Result<Done, BulkError> {
    check(engine, caller, step).await?;
    let now = engine.clock.now();
    let this = Step { engine, caller, bulk_id: engine.clock.id(), now };

    let mut outcomes = Vec::with_capacity(dialogs.len());
    for id in dialogs {
        let changed = repeated(|| this.change(*id, step)).await;
        outcomes.push(Outcome { dialog_id: *id, changed });
    }
    Ok(Done { bulk_id: this.bulk_id, undo_until: now + UNDO, outcomes })
}

/// Is what the step names there?
async fn check(engine: &Engine, caller: &Caller, step: &BulkStep) -> Result<(), BulkError> {
    let workspace = caller.workspace_id;
    let mut tx = engine.db.read().await?;
    match step {
        BulkStep::Close | BulkStep::Assign(None) => {}
        BulkStep::Assign(Some(to)) => {
            let found = assignment::operator(&mut tx, workspace, *to).await?;
            found.ok_or_else(|| UpdateError::from(AssignError::NoOperator(*to)))?;
        }
        BulkStep::Tag { add, remove } => {
            for id in add.iter().chain(remove) {
                let found = tx.workspace(workspace).tags().find(*id).await?;
                found.ok_or(UpdateError::NoTag(*id))?;
            }
        }
    }
    Ok(())
}

/// Undoes a step of the caller's where nothing else has happened since.
///
/// # Errors
///
/// [`BulkError::NothingToUndo`] when it is undone, longer ago, or of somebody else.
pub async fn undo(
    engine: &Engine,
    caller: &Caller,
    bulk_id: BulkId,
) -> Result<Vec<Outcome>, BulkError> {
    let now = engine.clock.now();
    let dialogs = {
        let mut tx = engine.db.read().await?;
        let items = tx.workspace(caller.workspace_id).bulk_items();
        items.dialogs(bulk_id, actor(caller), now - UNDO).await?
    };
    if dialogs.is_empty() {
        return Err(BulkError::NothingToUndo);
    }

    let this = Step { engine, caller, bulk_id, now };
    let mut outcomes = Vec::with_capacity(dialogs.len());
    for id in dialogs {
        let changed = repeated(|| this.undo(id)).await;
        outcomes.push(Outcome { dialog_id: id, changed });
    }
    Ok(outcomes)
}

/// Whose step it is: the user's, or the key's.
fn actor(caller: &Caller) -> Uuid {
    caller.actor().id().unwrap_or_default()
}

impl Step<'_> {
    async fn change(&self, id: DialogId, step: &BulkStep) -> Result<bool, BulkError> {
        let workspace = self.caller.workspace_id;
        let mut tx = self.engine.db.begin().await?;
        let found = control::lock(&mut tx, workspace, id).await?;
        let (dialog, contact) = found.ok_or(ControlError::Missing)?;

        let undo = match step {
            BulkStep::Close => Some(self.close(&mut tx, (dialog, &contact)).await?),
            BulkStep::Assign(to) => self.assign(&mut tx, (dialog, &contact), *to).await?,
            BulkStep::Tag { add, remove } => self.tag(&mut tx, &dialog, add, remove).await?,
        };
        let Some(undo) = undo else { return Ok(false) };
        let item = BulkItem {
            workspace_id: workspace,
            bulk_id: self.bulk_id,
            dialog_id: id,
            actor_id: actor(self.caller),
            undo,
            created_at: self.now,
        };
        tx.workspace(workspace).bulk_items().insert(&item).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn close(
        &self,
        tx: &mut Tx,
        (dialog, contact): (Dialog, &Contact),
    ) -> Result<Undo, BulkError> {
        control::may_decide(&dialog, self.caller, None)?;
        let cause = control::cause(self.engine, self.caller);
        let change = dialog.clone().close(&cause).map_err(|_| ControlError::Closed)?;
        let closed = control::enact(self.engine, tx, change, contact, cause.now).await?;
        Ok(Undo::of_control(&dialog, closed.epoch))
    }

    async fn assign(
        &self,
        tx: &mut Tx,
        (dialog, contact): (Dialog, &Contact),
        to: Option<UserId>,
    ) -> Result<Option<Undo>, BulkError> {
        let assignee = to.map_or(Patch::Clear, Patch::Set);
        let change = DialogChange { assignee, ..DialogChange::default() };
        let locked = (dialog.clone(), contact);
        let assigned = update::apply(self.engine, tx, self.caller, locked, &change).await?;
        let is_new = assigned.epoch != dialog.epoch;
        Ok(is_new.then(|| Undo::of_control(&dialog, assigned.epoch)))
    }

    async fn tag(
        &self,
        tx: &mut Tx,
        dialog: &Dialog,
        add: &[TagId],
        remove: &[TagId],
    ) -> Result<Option<Undo>, BulkError> {
        let mut wanted = tags(tx, dialog).await?;
        let is_new = |id: &&TagId| !wanted.contains(id) && !remove.contains(id);
        let added: Vec<TagId> = add.iter().filter(is_new).copied().collect();
        let removed: Vec<TagId> = remove.iter().filter(|id| wanted.contains(id)).copied().collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(None);
        }

        wanted.retain(|id| !removed.contains(id));
        wanted.extend(&added);
        self.set_tags(tx, dialog, &wanted).await?;
        Ok(Some(Undo::Tags { added, removed }))
    }

    async fn set_tags(
        &self,
        tx: &mut Tx,
        dialog: &Dialog,
        wanted: &[TagId],
    ) -> Result<(), BulkError> {
        if wanted.len() > Tag::MOST_OF_DIALOG {
            return Err(BulkError::TooManyTags);
        }
        Ok(update::tag(self.engine, tx, dialog, wanted).await?)
    }

    async fn undo(&self, id: DialogId) -> Result<bool, BulkError> {
        let workspace = self.caller.workspace_id;
        let mut tx = self.engine.db.begin().await?;
        let found = control::lock(&mut tx, workspace, id).await?;
        let (dialog, contact) = found.ok_or(ControlError::Missing)?;
        let undo = tx.workspace(workspace).bulk_items().take(self.bulk_id, id).await?;
        // Another request has undone it in the meantime.
        let Some(undo) = undo else { return Ok(false) };

        match undo {
            Undo::Tags { added, removed } => {
                let mut wanted = tags(&mut tx, &dialog).await?;
                wanted.retain(|id| !added.contains(id));
                for id in removed {
                    if tx.workspace(workspace).tags().find(id).await?.is_some() {
                        wanted.push(id);
                    }
                }
                self.set_tags(&mut tx, &dialog, &wanted).await?;
            }
            Undo::Control { epoch, .. } if epoch != dialog.epoch => {
                return Err(BulkError::ChangedSince);
            }
            Undo::Control { control, holder, reason, asking_since, .. } => {
                let reopened = self.reopened(&mut tx, dialog, &contact).await?;
                let dialog = Dialog { asking_since, ..reopened };
                let before = Before { control, holder, reason };
                self.restore(&mut tx, (dialog, &contact), before).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// A dialog that is closed is reopened.
    async fn reopened(
        &self,
        tx: &mut Tx,
        dialog: Dialog,
        contact: &Contact,
    ) -> Result<Dialog, BulkError> {
        if dialog.control != Control::Closed {
            return Ok(dialog);
        }
        let cause = control::cause(self.engine, self.caller);
        let reopened = dialog.reopen(&cause);
        let change = reopened.map_err(|refused| ControlError::NotClosed(refused.control))?;
        match control::enact(self.engine, tx, change, contact, cause.now).await {
            Err(error) if error.is_duplicate() => Err(ControlError::Followed.into()),
            reopened => Ok(reopened?),
        }
    }

    /// Control goes to whoever had it. A dialog whose holder is no member any more waits for
    /// another one.
    async fn restore(
        &self,
        tx: &mut Tx,
        (dialog, contact): (Dialog, &Contact),
        before: Before,
    ) -> Result<(), BulkError> {
        let cause = control::cause(self.engine, self.caller);
        let reason = before.reason.unwrap_or(HandoffReason::Operator);
        let holder = match before.holder {
            Some(Holder { user_id: Some(user), .. }) => {
                assignment::operator(tx, dialog.workspace_id, user).await?
            }
            Some(Holder { user_id: None, name }) => Some(Operator { user_id: None, name }),
            None => None,
        };

        let had = dialog.control;
        let change = match (before.control, holder) {
            (Control::Human, Some(holder)) => dialog.assign(holder, AssignReason::Chosen, &cause),
            (Control::Human | Control::Waiting, _) if had != Control::Waiting => {
                dialog.hand_off(reason, &cause)
            }
            (Control::Ai, _) if had == Control::Human => dialog.hand_back(&cause),
            (Control::Ai, _) if had == Control::Waiting => dialog.release(&cause),
            _ => return Ok(()),
        };
        let change = change.map_err(|_| ControlError::Closed)?;
        let dialog = control::enact(self.engine, tx, change, contact, cause.now).await?;
        if had == Control::Human && dialog.control == Control::Ai {
            control::answer_the_rest(self.engine, tx, &dialog, cause.now).await?;
        }
        Ok(())
    }
}

async fn tags(tx: &mut Tx, dialog: &Dialog) -> Result<Vec<TagId>, StorageError> {
    let tags = tx.workspace(dialog.workspace_id).tags().of_dialogs(&[dialog.id]).await?;
    Ok(tags.into_iter().map(|(_, tag)| tag.id).collect())
}

/// Where control of a dialog goes back to.
struct Before {
    control: Control,
    holder: Option<Holder>,
    reason: Option<HandoffReason>,
}
