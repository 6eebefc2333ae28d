//! Assistants: their drafts, their published versions, and the gate between the two.

use replyx_storage::StorageError;
use thiserror::Error;

use crate::{Missing, Unacceptable};

mod create;
mod delete;
mod gate;
mod pause;
mod publish;
mod sla;
mod update;

pub use create::{CreateError, NewAssistant, create};
pub use delete::{DeleteError, delete};
pub use gate::GateClosed;
pub use pause::{OperationError, pause, paused, resume};
pub use publish::{publish, roll_back};
pub use sla::{promise, promised};
pub use update::{DraftChange, UpdateError, update};

/// A version could not be made the one that answers customers.
#[derive(Debug, Error)]
pub enum PublishError {
    /// There is no such assistant or version.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It names a model that may not be used.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// The draft has not passed the assistant's gate.
    #[error(transparent)]
    Gate(#[from] GateClosed),
    /// The database failed.
    #[error("the version could not be published")]
    Storage(#[from] StorageError),
}
