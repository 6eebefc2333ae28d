//! Why money was not moved.

use replyx_core::{ids::WorkspaceId, ledger::Unmovable};
use replyx_storage::StorageError;

use crate::{
    price::NoPrice,
    spend::{CreditShortfall, Insufficient, Withdrawal},
};

/// What a use case about money returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why money was not moved. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody pays in this installation.
    #[error("billing is off in this installation")]
    Off,
    /// There is none.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Prices and rates cannot be set for the past.
    #[error("the moment must not be in the past")]
    Past,
    /// Another admin has just set some.
    #[error("somebody else has just set this; try again")]
    Busy,
    /// There is not enough.
    #[error(transparent)]
    Insufficient(#[from] Insufficient),
    /// Nobody knows what it costs.
    #[error(transparent)]
    NoPrice(#[from] NoPrice),
    /// The hold was released, or there never was one.
    #[error("nothing is set aside for this")]
    NoHold,
    /// There is a credit with this source and id.
    #[error("this was credited before")]
    Credited,
    /// An amount that must be more than nothing is not.
    #[error("the amount must be more than 0")]
    Nothing,
    /// The sum does not fit, or would be less than nothing.
    #[error("the ledger cannot hold this")]
    Unmovable(#[from] Unmovable),
    /// The ledger says two things: `replyx billing verify` names them.
    #[error("the ledger of workspace `{workspace}` is damaged")]
    Damaged {
        /// Whose ledger.
        workspace: WorkspaceId,
        /// What it says.
        #[source]
        source: CreditShortfall,
    },
    /// The database failed.
    #[error("the database failed")]
    Storage(#[from] StorageError),
}

impl Error {
    pub(crate) fn withdrawal(workspace: WorkspaceId) -> impl Fn(Withdrawal) -> Self {
        move |error| match error {
            Withdrawal::Insufficient(error) => error.into(),
            Withdrawal::Uncovered(source) => Self::Damaged { workspace, source },
        }
    }
}
