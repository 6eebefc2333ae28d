//! Operators say whether they are there, and end their shifts.

use std::collections::BTreeMap;

use replyx_core::{
    actor::Caller,
    change::Change,
    channel::ChannelKind,
    dialog::{Control, HandoffReason},
    ids::{UserId, WorkspaceId},
    presence::{Presence, PresenceState},
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::{Engine, control, giving::GiveOut};

/// What an operator said was not stored.
#[derive(Debug, Error)]
pub enum PresenceError {
    /// A program with a key is not there or away.
    #[error("only a member who is signed in can be online")]
    NoPerson,
    /// The database failed.
    #[error("the presence of an operator could not be changed")]
    Storage(#[from] StorageError),
}

/// The caller says whether they are there, and how many dialogs they take at once. Saying it again
/// keeps it true for [`Presence::LEASE`]. An operator who comes online is given what waits.
///
/// # Errors
///
/// [`PresenceError::NoPerson`] for a program with a key.
pub async fn say(
    engine: &Engine,
    caller: &Caller,
    state: PresenceState,
    capacity: BTreeMap<ChannelKind, i64>,
) -> Result<Presence, PresenceError> {
    let user = caller.user_id().ok_or(PresenceError::NoPerson)?;
    repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let presence = turn(engine, &mut tx, caller.workspace_id, user, |presence| {
            let capacity = presence.capacity.clone().with(capacity.clone());
            presence.say(state, capacity, engine.clock.now())
        });
        let presence = presence.await?;
        if state == PresenceState::Online {
            GiveOut::request(&mut tx, &engine.clock, caller.workspace_id).await?;
        }
        tx.commit().await?;
        Ok(presence)
    })
    .await
}

async fn turn(
    engine: &Engine,
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    say: impl FnOnce(Presence) -> Change<Presence>,
) -> Result<Presence, StorageError> {
    let known = tx.workspace(workspace).operators().lock(user).await?;
    let now = engine.clock.now();
    let presence = known.unwrap_or_else(|| Presence::of_nobody(workspace, user, now));
    tx.apply(say(presence)).await
}

/// The caller goes offline, and all that they have goes back to those that wait. Returns how many
/// dialogs that were.
///
/// # Errors
///
/// [`PresenceError::NoPerson`] for a program with a key.
pub async fn end_shift(engine: &Engine, caller: &Caller) -> Result<usize, PresenceError> {
    let user = caller.user_id().ok_or(PresenceError::NoPerson)?;
    // First: nothing is given to them while they give back.
    say(engine, caller, PresenceState::Offline, BTreeMap::new()).await?;

    repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let mut returned = 0;
        for id in tx.workspace(caller.workspace_id).operators().held(user).await? {
            let Some((dialog, contact)) = control::lock(&mut tx, caller.workspace_id, id).await?
            else {
                continue;
            };
            if dialog.control != Control::Human || !control::is_held_by(&dialog, caller) {
                continue;
            }
            let cause = control::cause(engine, caller);
            let Ok(change) = dialog.hand_off(HandoffReason::ShiftEnded, &cause) else { continue };
            control::enact(engine, &mut tx, change, &contact, cause.now).await?;
            returned += 1;
        }
        tx.commit().await?;
        Ok(returned)
    })
    .await
}
