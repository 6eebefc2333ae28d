//! Who may speak in a dialog: operators take over, hand back, close and reopen.
//!
//! Each change is one transaction: the dialog with its raised epoch, a message that says what
//! happened, the event, and the end of what the assistant has on its way. A turn that runs finds
//! another epoch when it settles, and its reply is discarded; a part that is claimed for sending
//! leaves, and nothing else does.

use chrono::{DateTime, Utc};
use replyx_billing::Mode;
use replyx_core::{
    actor::Caller,
    change::Change,
    dialog::{Contact, Control, Dialog, HandoffReason, Operator},
    ids::{DialogId, WorkspaceId},
    role::Role,
    rules::{
        dialog::{Cause, ControlRefused, Initiator, Utterance},
        message::SentReply,
    },
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::{Engine, announce, giving::GiveOut, payment};

/// Control of a dialog could not be changed.
#[derive(Debug, Error)]
pub enum ControlError {
    /// There is no such dialog in the caller's workspace.
    #[error("no such dialog")]
    Missing,
    /// Somebody else has it, or it has changed hands since the caller read it.
    #[error("{}", not_yours(.holder.as_ref()))]
    NotYours {
        /// The operator who has it.
        holder: Option<Operator>,
    },
    /// It is over.
    #[error("the dialog is closed")]
    Closed,
    /// It is not over.
    #[error("the dialog is not closed: it is `{0}`")]
    NotClosed(Control),
    /// It is over, and the customer has begun another one.
    #[error("the customer has another open dialog")]
    Followed,
    /// Nobody has been asked for.
    #[error("the dialog does not wait for a human: it is `{0}`")]
    NotWaiting(Control),
    /// The database failed.
    #[error("control of the dialog could not be changed")]
    Storage(#[from] StorageError),
}

fn not_yours(holder: Option<&Operator>) -> String {
    match holder {
        Some(holder) => format!("{} answers in this dialog", holder.name),
        None => "control of the dialog has changed since you read it".to_owned(),
    }
}

/// The change that a use case wants of a dialog; `None`: it is as wished already.
type Wish = Option<Change<Utterance>>;

/// An operator answers from now on. Taking over what one has changes nothing.
///
/// # Errors
///
/// [`ControlError::NotYours`] when somebody else has the dialog, or its epoch is another one.
pub async fn take_over(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    epoch: Option<i64>,
) -> Result<Dialog, ControlError> {
    change(engine, caller, id, |dialog, cause| {
        if dialog.control == Control::Human && is_held_by(&dialog, caller) {
            return Ok(None);
        }
        if epoch.is_some_and(|epoch| epoch != dialog.epoch) {
            return Err(ControlError::NotYours { holder: dialog.assignee });
        }
        taken_over(dialog, caller, cause)
    })
    .await
}

fn taken_over(dialog: Dialog, caller: &Caller, cause: &Cause) -> Result<Wish, ControlError> {
    let holder = dialog.assignee.clone();
    let taken = dialog.take_over(caller.operator(), cause);
    let change = taken.map_err(|refused| match refused.control {
        Control::Closed => ControlError::Closed,
        _ => ControlError::NotYours { holder },
    })?;
    Ok(Some(change))
}

/// Gives a dialog to its assistant: one that waits for a human, or that an operator has. The
/// assistant answers from the customer's next message on; what nobody has answered while an
/// operator had it is answered now.
///
/// # Errors
///
/// [`ControlError::NotWaiting`] when the assistant has it, or it is over;
/// [`ControlError::NotYours`] when a colleague has it.
pub async fn release(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
) -> Result<Dialog, ControlError> {
    change(engine, caller, id, |dialog, cause| {
        mine(&dialog, caller)?;
        let released = match dialog.control {
            Control::Human => dialog.hand_back(cause),
            _ => dialog.release(cause),
        };
        let change = released.map_err(|refused| ControlError::NotWaiting(refused.control))?;
        Ok(Some(change))
    })
    .await
}

/// Asks for a human, or gives a dialog back to those that wait for one. Asking again changes
/// nothing.
///
/// # Errors
///
/// [`ControlError::Closed`] when the dialog is over; [`ControlError::NotYours`] when a colleague
/// has it.
pub async fn hand_off(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    reason: HandoffReason,
) -> Result<Dialog, ControlError> {
    change(engine, caller, id, |dialog, cause| {
        mine(&dialog, caller)?;
        if dialog.control == Control::Waiting {
            return Ok(None);
        }
        let change = dialog.hand_off(reason, cause).map_err(closed)?;
        Ok(Some(change))
    })
    .await
}

/// Ends a dialog.
///
/// # Errors
///
/// [`ControlError::Closed`] when it is over; [`ControlError::NotYours`] when a colleague has it.
pub async fn close(engine: &Engine, caller: &Caller, id: DialogId) -> Result<Dialog, ControlError> {
    change(engine, caller, id, |dialog, cause| {
        mine(&dialog, caller)?;
        Ok(Some(dialog.close(cause).map_err(closed)?))
    })
    .await
}

/// Goes on with a dialog that was over: the assistant answers.
///
/// # Errors
///
/// [`ControlError::NotClosed`] when it is not over, [`ControlError::Followed`] when the customer
/// has begun another one.
pub async fn reopen(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
) -> Result<Dialog, ControlError> {
    let reopened = change(engine, caller, id, |dialog, cause| {
        let reopened = dialog.reopen(cause);
        let change = reopened.map_err(|refused| ControlError::NotClosed(refused.control))?;
        Ok(Some(change))
    });
    match reopened.await {
        Err(ControlError::Storage(error)) if error.is_duplicate() => Err(ControlError::Followed),
        reopened => reopened,
    }
}

const fn closed(_: ControlRefused) -> ControlError {
    ControlError::Closed
}

/// May the caller decide about the dialog? What a colleague has is theirs; admins may step in.
fn mine(dialog: &Dialog, caller: &Caller) -> Result<(), ControlError> {
    let steps_in = caller.place().role.is_some_and(|role| role >= Role::Admin);
    if dialog.control != Control::Human || steps_in || is_held_by(dialog, caller) {
        return Ok(());
    }
    Err(ControlError::NotYours { holder: dialog.assignee.clone() })
}

/// May the caller decide about the dialog as they saw it?
pub(crate) fn may_decide(
    dialog: &Dialog,
    caller: &Caller,
    epoch: Option<i64>,
) -> Result<(), ControlError> {
    mine(dialog, caller)?;
    match epoch {
        Some(epoch) if epoch != dialog.epoch => {
            Err(ControlError::NotYours { holder: dialog.assignee.clone() })
        }
        _ => Ok(()),
    }
}

/// Does the caller have the dialog? All programs with keys are one.
pub(crate) fn is_held_by(dialog: &Dialog, caller: &Caller) -> bool {
    dialog.assignee.as_ref().is_some_and(|holder| holder.user_id == caller.user_id())
}

async fn change(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    wish: impl Fn(Dialog, &Cause) -> Result<Wish, ControlError>,
) -> Result<Dialog, ControlError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let (dialog, contact) = lock(&mut tx, workspace, id).await?.ok_or(ControlError::Missing)?;

        let cause = cause(engine, caller);
        let now = cause.now;
        let Some(change) = wish(dialog.clone(), &cause)? else { return Ok(dialog) };

        let had = dialog.control;
        let dialog = enact(engine, &mut tx, change, &contact, now).await?;
        if had == Control::Human && dialog.control == Control::Ai {
            answer_the_rest(engine, &mut tx, &dialog, now).await?;
        }
        tx.commit().await?;
        Ok(dialog)
    })
    .await
}

/// That the caller does something now.
pub(crate) fn cause(engine: &Engine, caller: &Caller) -> Cause {
    let by = Initiator::Operator { operator: caller.operator(), actor: caller.actor() };
    Cause { message_id: engine.clock.id(), by, now: engine.clock.now() }
}

/// Locks a dialog and its contact, in the order in which everybody does: while the contact is
/// locked, nothing that is on its way to them moves to another chat.
pub(crate) async fn lock(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: DialogId,
) -> Result<Option<(Dialog, Contact)>, StorageError> {
    let Some(seen) = tx.workspace(workspace).dialogs().find(id).await? else { return Ok(None) };
    let contact = tx.workspace(workspace).contacts().lock(seen.contact_id).await?;
    let dialog = tx.workspace(workspace).dialogs().lock(id).await?;
    Ok(dialog.zip(contact))
}

/// Writes a change of control, and cancels what of the assistant has not been claimed for sending.
/// Where somebody waits now, or an operator may have room, the dialogs that wait are given out;
/// where a person answers now, the customer is told who.
pub(crate) async fn enact(
    engine: &Engine,
    tx: &mut Tx,
    change: Change<Utterance>,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<Dialog, StorageError> {
    let Utterance { dialog, .. } = tx.apply(change).await?;
    cancel(tx, engine.settings.billing, &dialog, contact, now).await?;
    if dialog.control == Control::Human {
        return announce::operator(engine, tx, dialog, contact, now).await;
    }
    GiveOut::request(tx, &engine.clock, dialog.workspace_id).await?;
    Ok(dialog)
}

/// Cancels what of the assistant's replies has not been claimed for sending.
pub(crate) async fn cancel(
    tx: &mut Tx,
    billing: Mode,
    dialog: &Dialog,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let workspace_id = dialog.workspace_id;
    for message_id in tx.workspace(workspace_id).outbox().cancel(dialog, contact, now).await? {
        let reply = SentReply { workspace_id, dialog_id: dialog.id, message_id };
        tx.apply(reply.canceled(now)).await?;
        payment::give_back(tx, billing, (workspace_id, message_id), now).await?;
    }
    Ok(())
}

/// Asks for a turn if the customer's last words are not answered.
pub(crate) async fn answer_the_rest(
    engine: &Engine,
    tx: &mut Tx,
    dialog: &Dialog,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    if dialog.heard_seq <= dialog.answered_seq {
        return Ok(());
    }
    let due = now + engine.settings.window;
    tx.workspace(dialog.workspace_id).turns().request(dialog.id, due, due).await
}
