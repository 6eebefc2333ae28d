//! Queues letters, in the transaction that is the reason for them.
//!
//! Whatever somebody can have sent to an address that is perhaps not theirs is limited per mailbox,
//! before it is queued: codes, links and invitations by limits of their own, notices by
//! `Cx::may_tell`.

use replyx_core::{
    clock::Clock,
    ids::{JobId, WorkspaceId},
    mail::{self, Mail},
    secret::{Keys, sha256_hex},
    user::mailbox,
};
use replyx_storage::{StorageError, Tx};

/// The page on which an invitation is accepted.
pub const INVITE_PAGE: &str = "/invite";
/// The page on which a new password is set.
pub const RESET_PAGE: &str = "/reset";

/// Where letters are handed in.
#[derive(Clone, Debug)]
pub struct Letters {
    keys: Keys,
    clock: Clock,
}

impl Letters {
    pub(crate) const fn new(keys: Keys, clock: Clock) -> Self {
        Self { keys, clock }
    }

    /// Queues a letter; it is sent when the transaction commits.
    pub(crate) async fn queue(&self, tx: &mut Tx, mail: &Mail) -> Result<(), StorageError> {
        self.enqueue(tx, mail, None).await
    }

    /// As [`Self::queue`], for a letter that a workspace sends: its letters take turns with those
    /// of others, so that thousands of invitations hold up nobody's code.
    pub(crate) async fn queue_of(
        &self,
        tx: &mut Tx,
        mail: &Mail,
        workspace: WorkspaceId,
    ) -> Result<(), StorageError> {
        self.enqueue(tx, mail, Some(workspace)).await
    }

    async fn enqueue(
        &self,
        tx: &mut Tx,
        mail: &Mail,
        reason: Option<WorkspaceId>,
    ) -> Result<(), StorageError> {
        let id: JobId = self.clock.id();
        let payload = mail::seal_payload(&self.keys, id, mail);
        tx.system().jobs().enqueue(id, mail::KIND, &payload, reason, self.clock.now()).await
    }
}

/// Under what letters to an address are counted.
pub(crate) fn mailbox_key(email: &str) -> String {
    sha256_hex(mailbox(email).as_bytes())
}
