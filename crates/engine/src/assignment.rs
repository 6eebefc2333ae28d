//! Who gets which dialog: by choice, or by the rule of the assistant's owner.
//!
//! The order is: whoever somebody chose; whoever answered the customer last, if they are online and
//! have room; another one who is online and has room, in the owner's way; else the dialog waits. A
//! place is taken in the transaction that assigns: it locks the operator and counts again, so that
//! two processes never give somebody more than they have room for. What an operator has is never
//! given to another one, except by choice or when they are gone.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use replyx_core::{
    actor::Caller,
    channel::ChannelKind,
    dialog::{Contact, Control, Dialog, HandoffReason, Operator},
    ids::{AssistantId, DialogId, UserId, WorkspaceId},
    presence::{AssignReason, Assignment, Presence, Seat, choose},
    role::Role,
    rules::dialog::Cause,
    setting::OPERATOR_ABSENCE_MINUTES,
};
use replyx_storage::{StorageError, Tx, operators::AbandonedDialog, retried, waits::Waiter};
use thiserror::Error;

use crate::{
    Engine,
    control::{self, ControlError},
    snoozes,
};

/// So many of those that wait are read at once.
const LOOKED_AT: i64 = 200;

/// A dialog was not given to an operator.
#[derive(Debug, Error)]
pub enum AssignError {
    /// Control does not allow it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The operator is no member who may answer customers.
    #[error("`{0}` is not a member who may answer customers")]
    NoOperator(UserId),
    /// The database failed.
    #[error("the dialog could not be assigned")]
    Storage(#[from] StorageError),
}

/// Gives a dialog to a member, whoever of the caller's colleagues or the assistant had it. The
/// caller may decide about it.
///
/// # Errors
///
/// [`AssignError::NoOperator`] when the member may not answer customers; [`AssignError::Control`]
/// when the dialog is over.
pub(crate) async fn assign(
    engine: &Engine,
    tx: &mut Tx,
    caller: &Caller,
    (dialog, contact): (Dialog, &Contact),
    to: UserId,
) -> Result<Dialog, AssignError> {
    if dialog.assignee.as_ref().is_some_and(|holder| holder.user_id == Some(to)) {
        return Ok(dialog);
    }

    let found = operator(tx, dialog.workspace_id, to).await?;
    let operator = found.ok_or(AssignError::NoOperator(to))?;
    let cause = control::cause(engine, caller);
    let assigned = dialog.assign(operator, AssignReason::Chosen, &cause);
    let change = assigned.map_err(|_| ControlError::Closed)?;
    Ok(control::enact(engine, tx, change, contact, cause.now).await?)
}

/// Takes a dialog from its holder; one that nobody has stays as it is. The caller may decide
/// about it.
pub(crate) async fn unassign(
    engine: &Engine,
    tx: &mut Tx,
    caller: &Caller,
    (dialog, contact): (Dialog, &Contact),
) -> Result<Dialog, ControlError> {
    if dialog.control != Control::Human {
        return Ok(dialog);
    }

    let cause = control::cause(engine, caller);
    let handed_off = dialog.hand_off(HandoffReason::Operator, &cause);
    let change = handed_off.map_err(|_| ControlError::Closed)?;
    Ok(control::enact(engine, tx, change, contact, cause.now).await?)
}

/// A member who may answer customers, as colleagues see them.
pub(crate) async fn operator(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
) -> Result<Option<Operator>, StorageError> {
    let member = tx.workspace(workspace).members().find(user).await?;
    let member =
        member.filter(|member| member.suspended_at.is_none() && member.role >= Role::Operator);
    Ok(member
        .map(|member| Operator { user_id: Some(user), name: member.name.unwrap_or(member.email) }))
}

/// What came of looking for somebody to answer a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentOutcome {
    /// This operator has it.
    To(UserId, AssignReason),
    /// Nobody who is online has room for another one of its kind of channel.
    Full,
    /// It is not for anybody who has room, or does not wait any more.
    Left,
}

/// Gives the dialogs of a workspace that wait to operators who have room, the oldest first. Returns
/// how many were given.
pub async fn give_out(engine: &Engine, workspace: WorkspaceId) -> Result<usize, StorageError> {
    let mut after = None;
    let mut full = Vec::new();
    let mut given = 0;
    loop {
        let waiting = wanted(engine, workspace, after).await?;
        let Some(last) = waiting.last() else { return Ok(given) };
        after = Some((last.waiter.since, last.waiter.dialog_id));

        for Wanted { waiter, assignment } in waiting {
            let Some(kind) = waiter.channel_kind.filter(|kind| !full.contains(kind)) else {
                continue;
            };
            if assignment == Assignment::None {
                continue;
            }
            match give(engine, workspace, waiter.dialog_id).await? {
                AssignmentOutcome::To(..) => given += 1,
                AssignmentOutcome::Full => full.push(kind),
                AssignmentOutcome::Left => {}
            }
            if full.len() == ChannelKind::ALL.len() {
                return Ok(given);
            }
        }
    }
}

/// A dialog that waits, and how its assistant's owner wants it to be given.
struct Wanted {
    waiter: Waiter,
    assignment: Assignment,
}

/// The next of those that wait.
async fn wanted(
    engine: &Engine,
    workspace: WorkspaceId,
    after: Option<(DateTime<Utc>, DialogId)>,
) -> Result<Vec<Wanted>, StorageError> {
    let mut tx = engine.db.read().await?;
    let waiting = tx.workspace(workspace).waits().list(after, LOOKED_AT).await?;
    let mut known: HashMap<AssistantId, Assignment> = HashMap::new();
    let mut wanted = Vec::with_capacity(waiting.len());
    for waiter in waiting {
        let assistant = waiter.assistant_id;
        let assignment = if let Some(assignment) = known.get(&assistant) {
            *assignment
        } else {
            let found = assignment_of(&mut tx, workspace, assistant).await?;
            known.insert(assistant, found);
            found
        };
        wanted.push(Wanted { waiter, assignment });
    }
    Ok(wanted)
}

async fn assignment_of(
    tx: &mut Tx,
    workspace: WorkspaceId,
    assistant: AssistantId,
) -> Result<Assignment, StorageError> {
    let published = tx.workspace(workspace).assistants().published(assistant).await?;
    Ok(published.map_or(Assignment::None, |version| version.settings.handoff.assignment))
}

/// Gives one dialog that waits to the operator who should answer it.
pub async fn give(
    engine: &Engine,
    workspace: WorkspaceId,
    id: DialogId,
) -> Result<AssignmentOutcome, StorageError> {
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        let Some((dialog, contact)) = control::lock(&mut tx, workspace, id).await? else {
            return Ok(AssignmentOutcome::Left);
        };
        let channel = tx.workspace(workspace).channels().find(dialog.channel_id).await?;
        let Some(channel) = channel.filter(|_| dialog.control == Control::Waiting) else {
            return Ok(AssignmentOutcome::Left);
        };
        give_locked(engine, tx, dialog, &contact, channel.kind).await
    })
    .await
}

async fn give_locked(
    engine: &Engine,
    mut tx: Tx,
    dialog: Dialog,
    contact: &Contact,
    kind: ChannelKind,
) -> Result<AssignmentOutcome, StorageError> {
    let workspace = dialog.workspace_id;
    let now = engine.clock.now();
    let since = now - Presence::LEASE;
    let assignment = assignment_of(&mut tx, workspace, dialog.assistant_id).await?;
    let last = tx.workspace(workspace).operators().last_of(contact.id).await?;
    let mut seats = tx.workspace(workspace).operators().seats(kind, since, None).await?;

    // The operator who has just left it does not get it back.
    let left_by = tx.workspace(workspace).waits().left_by(dialog.id).await?;
    let is_for_others = seats.iter().any(|seat| seat.has_room() && Some(seat.user_id) == left_by);
    seats.retain(|seat| Some(seat.user_id) != left_by);

    while let Some((seat, why)) = choose(assignment, last, &seats) {
        let user = seat.user_id;
        let Some(seat) = take_place(&mut tx, workspace, user, kind, since).await? else {
            // Another process has filled it, or the operator has left.
            seats.retain(|seat| seat.user_id != user);
            continue;
        };
        let operator = Operator { user_id: Some(user), name: seat.name };
        let cause = Cause::of_program(engine.clock.id(), now);
        let assigned = dialog.clone().assign(operator, why, &cause);
        let Ok(change) = assigned else { return Ok(AssignmentOutcome::Left) };
        control::enact(engine, &mut tx, change, contact, now).await?;
        tx.workspace(workspace).operators().assigned(user, now).await?;
        tx.commit().await?;
        return Ok(AssignmentOutcome::To(user, why));
    }

    let is_given = assignment != Assignment::None && !is_for_others;
    Ok(if is_given { AssignmentOutcome::Full } else { AssignmentOutcome::Left })
}

/// Locks an operator, and makes sure that they still have room.
async fn take_place(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    kind: ChannelKind,
    since: DateTime<Utc>,
) -> Result<Option<Seat>, StorageError> {
    if tx.workspace(workspace).operators().lock(user).await?.is_none() {
        return Ok(None);
    }
    // Only now: what another transaction gave them while we waited for the lock must be seen.
    let seats = tx.workspace(workspace).operators().seats(kind, since, Some(user)).await?;
    Ok(seats.into_iter().find(Seat::has_room))
}

/// Does what time makes necessary: snoozed dialogs come back, operators who are silent go offline,
/// what they or former members have goes back to those that wait, and what waits is given out.
/// Returns how many dialogs went back.
pub async fn tend(engine: &Engine) -> Result<usize, StorageError> {
    snoozes::return_due(engine).await?;
    let now = engine.clock.now();
    let silent = {
        let mut tx = engine.db.read().await?;
        tx.system().operators().silent(now - Presence::LEASE).await?
    };
    for (workspace, user) in silent {
        vanish(engine, workspace, user).await?;
    }

    let bound = engine.tuning.minutes(OPERATOR_ABSENCE_MINUTES);
    let abandoned = {
        let mut tx = engine.db.read().await?;
        tx.system().operators().abandoned(now - bound, now).await?
    };
    let mut returned = 0;
    for dialog in abandoned {
        returned += usize::from(give_back(engine, dialog).await?);
    }

    let waiting = {
        let mut tx = engine.db.read().await?;
        tx.system().operators().to_give_out(now - Presence::LEASE).await?
    };
    for workspace in waiting {
        give_out(engine, workspace).await?;
    }
    Ok(returned)
}

async fn vanish(engine: &Engine, workspace: WorkspaceId, user: UserId) -> Result<(), StorageError> {
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        let presence = tx.workspace(workspace).operators().lock(user).await?;
        if let Some(change) = presence.and_then(|presence| presence.vanish(engine.clock.now())) {
            tx.apply(change).await?;
        }
        tx.commit().await
    })
    .await
    .map(drop)
}

/// Gives a dialog back to those that wait, if the operator still has it. Says whether it did.
async fn give_back(engine: &Engine, abandoned: AbandonedDialog) -> Result<bool, StorageError> {
    retried(|| async {
        let AbandonedDialog { workspace_id, dialog_id, user_id } = abandoned;
        let mut tx = engine.db.begin().await?;
        let found = control::lock(&mut tx, workspace_id, dialog_id).await?;
        let Some((dialog, contact)) = found.filter(|(dialog, _)| is_held_by(dialog, user_id))
        else {
            return Ok(false);
        };
        let now = engine.clock.now();
        let cause = Cause::of_program(engine.clock.id(), now);
        let Ok(change) = dialog.hand_off(HandoffReason::Absence, &cause) else {
            return Ok(false);
        };
        control::enact(engine, &mut tx, change, &contact, now).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

fn is_held_by(dialog: &Dialog, user: UserId) -> bool {
    let holder = dialog.assignee.as_ref().and_then(|holder| holder.user_id);
    dialog.control == Control::Human && holder == Some(user)
}
