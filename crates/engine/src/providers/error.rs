//! Why a key or a provider was not changed.

use replyx_storage::StorageError;

/// The most keys that are added in an installation.
pub(super) const MOST_KEYS: usize = 200;
/// The most providers that are added in an installation.
pub(super) const MOST_PROVIDERS: usize = 50;

/// Why a key or a provider was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is none.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A field is not acceptable.
    #[error("`{field}` {message}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        message: &'static str,
    },
    /// There are as many keys as there may be.
    #[error("an installation has at most {MOST_KEYS} keys to providers")]
    TooManyKeys,
    /// There are as many providers as there may be.
    #[error("an installation has at most {MOST_PROVIDERS} providers of its own")]
    TooManyProviders,
    /// The database failed.
    #[error("the database failed")]
    Storage(#[from] StorageError),
}
