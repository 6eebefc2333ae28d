//! The job that gives waiting dialogs to operators, as it is stored.
//!
//! It is queued in every transaction that makes somebody wait or makes room, if anybody is online.

use replyx_core::{clock::Clock, ids::WorkspaceId, job::Kind, presence::Presence};
use replyx_storage::{StorageError, Tx};
use serde::{Deserialize, Serialize};

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveOut {
    /// Whose dialogs.
    pub workspace_id: WorkspaceId,
}

impl GiveOut {
    /// What the queue calls this job.
    pub const KIND: Kind = Kind::light("give_out");
    /// How often it is claimed at most: what is left over is found by the clock.
    pub const ATTEMPTS: u32 = 5;

    /// Queues the job if anybody is online.
    pub(crate) async fn request(
        tx: &mut Tx,
        clock: &Clock,
        workspace_id: WorkspaceId,
    ) -> Result<(), StorageError> {
        let now = clock.now();
        let operators = tx.workspace(workspace_id).operators();
        if !operators.is_anybody_online(now - Presence::LEASE).await? {
            return Ok(());
        }
        let payload = serde_json::json!({"workspace_id": workspace_id});
        let jobs = tx.workspace(workspace_id).jobs();
        jobs.enqueue_once(clock.id(), Self::KIND, &payload, now).await
    }
}
