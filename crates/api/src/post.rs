//! Queues mail, in the transaction that is the reason for it.

use replyx_core::{
    ids::JobId,
    mail::{self, Mail},
};
use replyx_storage::{StorageError, Tx};

use crate::state::AppState;

/// Queues a letter; it leaves when the transaction lasts.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn queue(state: &AppState, tx: &mut Tx, mail: &Mail) -> Result<(), StorageError> {
    let id: JobId = state.clock().id();
    let payload = mail::seal_payload(state.keys(), id, mail);
    tx.system().jobs().enqueue(id, mail::KIND, &payload, state.clock().now()).await
}
