//! Queues mail, in the transaction that is the reason for it.
//!
//! Whatever somebody can have sent to an address that is perhaps not theirs is limited per mailbox, before it is queued:
//! codes, links and invitations by limits of their own, notices by [`may_tell`].

use replyx_core::{
    ids::{JobId, WorkspaceId},
    mail::{self, Mail},
    secret::sha256_hex,
    setting,
    user::mailbox,
};
use replyx_storage::{StorageError, Tx};

use crate::state::AppState;

/// Whether one more notice of this kind may go to its mailbox. Beyond the limit it is left out, and what it would tell of
/// is done all the same. To be asked before the transaction begins.
pub(crate) async fn may_tell(state: &AppState, mail: &Mail) -> bool {
    let key = format!("{}:{}", mail.letter.kind(), mailbox_key(&mail.to));
    state.limit(setting::RATE_NOTICE_MAIL, &key).await.is_ok()
}

/// Under what is counted what goes to an address.
pub(crate) fn mailbox_key(email: &str) -> String {
    sha256_hex(mailbox(email).as_bytes())
}

/// Queues a letter; it leaves when the transaction lasts.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn queue(state: &AppState, tx: &mut Tx, mail: &Mail) -> Result<(), StorageError> {
    enqueue(state, tx, mail, None).await
}

/// As [`queue`], for a letter that a workspace sends: its letters take turns with those of others, so that thousands
/// of invitations hold up nobody's code.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn queue_of(
    state: &AppState,
    tx: &mut Tx,
    mail: &Mail,
    workspace: WorkspaceId,
) -> Result<(), StorageError> {
    enqueue(state, tx, mail, Some(workspace)).await
}

async fn enqueue(
    state: &AppState,
    tx: &mut Tx,
    mail: &Mail,
    reason: Option<WorkspaceId>,
) -> Result<(), StorageError> {
    let id: JobId = state.clock().id();
    let payload = mail::seal_payload(state.keys(), id, mail);
    tx.system().jobs().enqueue(id, mail::KIND, &payload, reason, state.clock().now()).await
}
