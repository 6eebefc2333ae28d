//! Backups: one file that holds all tables and files of an installation.
//!
//! [`save`] writes it from one snapshot, beside a program that runs. [`restore`] loads it into an
//! empty home of either kind, so that it is also the way from `SQLite` to `PostgreSQL` and back.
//! [`verify`] restores it into a temporary home and compares.
//!
//! # What holds
//!
//! - A file under its final name is whole: it is written under another one first.
//! - A file that was cut or changed is refused, and nothing of it lasts.
//! - A restored home is paused ([`PAUSED`]) in the transaction that fills it.
//! - It is encrypted if that is asked for ([`Seal`]), and then nothing of it can be read without
//!   the key.
//! - Secrets stay sealed: the file does not hold the key, and says which one it needs.

use std::{io, path::PathBuf};

use replyx_files::FilesError;
use replyx_storage::StorageError;

mod cells;
mod format;
mod restore;
mod save;
mod seal;
mod summary;
mod verify;
mod waiting;

pub use format::Header;
pub use restore::{Restored, restore};
pub use save::{Making, Saved, save};
pub use seal::{Opener, Seal};
pub use summary::Sum;
pub use verify::verify;
pub use waiting::Waiting;

/// The setting that keeps a restored home from working until somebody resumes it.
pub const PAUSED: &str = "restored_and_paused";

/// A backup could not be made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something under the name already.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// The file could not be read or written.
    #[error("`{}` cannot be read or written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is another kind of file.
    #[error("this is no backup of ReplyX, or its beginning is damaged")]
    NotABackup,
    /// A later version has written it in another form.
    #[error("the backup has the format {0}, which this version does not know: use a newer one")]
    Format(u32),
    /// Its end is missing.
    #[error("the backup is cut: it ends within {0}")]
    Cut(String),
    /// What is in it is not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// A later version has made its tables.
    #[error(
        "the backup was made by ReplyX {program} with migration {migration}, which this version does not know: use that one or a newer one"
    )]
    Newer {
        /// The version that made it.
        program: String,
        /// The first migration that is not known.
        migration: i64,
    },
    /// It is encrypted, and what was given does not open it.
    #[error(
        "the backup is encrypted, and no key opens it: give `--passphrase-file`, or `--identity` with the file of the secret key"
    )]
    Encrypted,
    /// What was given as a public key is none.
    #[error("`{0}` is no public key of age, which begins with `age1`")]
    Recipient(String),
    /// What was given as a file of secret keys is none.
    #[error("the file of identities has no secret key of age, or a line that is none")]
    Identity,
    /// The home has data.
    #[error("the database is in use: restore into an empty one")]
    Used,
    /// Secrets in it were sealed with a key that is not here.
    #[error(
        "the backup needs the SECRET_KEY with the id {needed}, and this home has {found}: set SECRET_KEY to the one of the installation that was backed up"
    )]
    Key {
        /// The id of the key.
        needed: String,
        /// The id of the key of this home.
        found: String,
    },
    /// A file that rows name is not in the store.
    #[error("the file `{0}` is named by the database and not in the store of files")]
    MissingFile(String),
    /// What was restored is not what the backup says.
    #[error("the restored home differs from the backup: {0}")]
    Differs(String),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store of files failed.
    #[error(transparent)]
    Files(#[from] FilesError),
}
