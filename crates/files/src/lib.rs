//! The bytes of files outside the database: a folder, or an S3-compatible store.
//!
//! [`Files`] is the way in. A file has an id, is written once and never changed; its key is
//! `{workspace}/{file}`, so that a folder and a bucket can be copied into each other.
//!
//! # What holds
//!
//! - [`Files::put`] returns once the bytes will survive a loss of power. Only then may a row name
//!   them, so that there is never a row without bytes.
//! - Bytes that no row names are orphans. `replyx_storage::files::sweep` deletes them, going by
//!   [`Files::list`] and by the time in their id.
//! - What is read is compared with the hash that the row holds.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    ids::{FileId, WorkspaceId},
    knowledge::Fingerprint,
};

mod folder;
mod s3;
mod signature;

use folder::Folder;
use s3::S3;
pub use s3::S3Address;

/// Files up to this size stay in the database, bytes: a row of its own is cheaper than a file.
pub const INLINE: usize = 64 * 1024;

/// The bytes of a file could not be written, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The folder refused.
    #[error("the folder of files failed")]
    Folder(#[source] std::io::Error),
    /// The store could not be reached, or did not answer in time.
    #[error("the store of files does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The store answered with a failure.
    #[error("the store of files answered {status} `{code}`")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the store calls it.
        code: String,
    },
    /// The store answered with something that is no list of files.
    #[error("the list of files cannot be read")]
    List(#[source] quick_xml::Error),
    /// Nothing is stored under the id.
    #[error("the file is not in the store")]
    Missing,
    /// What is stored under the id is not what was written.
    #[error("the stored file does not match its hash")]
    Damaged,
    /// This process keeps no files outside the database.
    #[error("no store of files is configured: set FILES_URL to the one that was used before")]
    NoStore,
    /// The HTTP client could not be built.
    #[error("the client of the store of files could not be built")]
    Setup(#[source] reqwest::Error),
}

impl FilesError {
    /// May the same succeed a little later?
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Folder(_) => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

/// Where a file is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Whose file.
    pub workspace: WorkspaceId,
    /// Which.
    pub file: FileId,
}

impl Key {
    /// When the id was made: nothing was written under it before. `None` for a time that cannot
    /// be.
    pub fn made_at(self) -> Option<DateTime<Utc>> {
        let (seconds, nanos) = self.file.into_uuid().get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    }

    fn path(self) -> String {
        format!("{}/{}", self.workspace, self.file)
    }

    fn parse(path: &str) -> Option<Self> {
        let (workspace, file) = path.split_once('/')?;
        let key = Self { workspace: workspace.parse().ok()?, file: file.parse().ok()? };
        // A name in another spelling (braces, capitals) is not ours.
        (key.path() == path).then_some(key)
    }
}

/// The store of files. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Files {
    place: Option<Arc<Place>>,
    /// Where files were kept before [`Self::place`]: they are still read and swept there.
    before: Option<Folder>,
    last_failure: Arc<Mutex<Option<Instant>>>,
}

#[derive(Debug)]
enum Place {
    Folder(Folder),
    S3(Box<S3>),
}

impl Files {
    /// Everything stays in the database.
    pub fn in_database() -> Self {
        Self::default()
    }

    /// Large files are kept in this folder, which is made when it is needed.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let place = Place::Folder(Folder::new(folder.into()));
        Self { place: Some(Arc::new(place)), ..Self::default() }
    }

    /// Large files are kept in a bucket of an S3-compatible store. Needs the rustls crypto
    /// provider. The clock dates signatures.
    pub fn in_s3(address: S3Address, clock: Clock) -> Result<Self, FilesError> {
        let place = Place::S3(Box::new(S3::new(address, clock)?));
        Ok(Self { place: Some(Arc::new(place)), ..Self::default() })
    }

    /// The same store, which also reads and sweeps what an earlier configuration kept in a folder.
    #[must_use]
    pub fn after(self, folder: &Path) -> Self {
        let same =
            matches!(self.place.as_deref(), Some(Place::Folder(own)) if own.path() == folder);
        let before = (!same && folder.is_dir()).then(|| Folder::new(folder.to_owned()));
        Self { before, ..self }
    }

    /// Is there a store beside the database?
    pub const fn is_outside(&self) -> bool {
        self.place.is_some()
    }

    /// Are bytes of this size kept here, rather than in the database?
    pub fn takes(&self, size: usize) -> bool {
        self.place.is_some() && size > INLINE
    }

    /// What it is, for people: never with a secret.
    pub fn description(&self) -> String {
        match self.place.as_deref() {
            None => "in the database".to_owned(),
            Some(Place::Folder(folder)) => format!("in the folder `{}`", folder.path().display()),
            Some(Place::S3(s3)) => format!("in the bucket {}", s3.description()),
        }
    }

    /// Writes a file. Writing the same once more changes nothing.
    #[tracing::instrument(name = "files.put", skip_all, fields(size = bytes.len()))]
    pub async fn put(&self, key: Key, bytes: Vec<u8>) -> Result<(), FilesError> {
        let done = match self.place.as_deref() {
            None => Err(FilesError::NoStore),
            Some(Place::Folder(folder)) => folder.put(key, bytes).await,
            Some(Place::S3(s3)) => s3.put(key, bytes).await,
        };
        self.note("put", done)
    }

    /// Reads a file of this size, bytes; no more than that is read.
    #[tracing::instrument(name = "files.read", skip_all)]
    pub async fn read(
        &self,
        key: Key,
        content_hash: &str,
        size: u64,
    ) -> Result<Vec<u8>, FilesError> {
        let found = match self.place.as_deref() {
            None => Ok(None),
            Some(Place::Folder(folder)) => folder.read(key, size).await,
            Some(Place::S3(s3)) => s3.read(key, size).await,
        };
        let found = match (self.note("read", found)?, &self.before) {
            (None, Some(folder)) => folder.read(key, size).await?,
            (found, _) => found,
        };
        let bytes = match found {
            Some(bytes) => bytes,
            None if self.place.is_none() => return Err(FilesError::NoStore),
            None => return Err(FilesError::Missing),
        };

        if Fingerprint::of(&bytes).content_hash() == content_hash {
            Ok(bytes)
        } else {
            tracing::error!(file.id = %key.file, "stored file does not match its hash");
            Err(FilesError::Damaged)
        }
    }

    /// Deletes a file. One that is not there is deleted already.
    #[tracing::instrument(name = "files.delete", skip_all)]
    pub async fn delete(&self, key: Key) -> Result<(), FilesError> {
        let done = match self.place.as_deref() {
            None => Ok(()),
            Some(Place::Folder(folder)) => folder.delete(key).await,
            Some(Place::S3(s3)) => s3.delete(key).await,
        };
        self.note("delete", done)?;
        match &self.before {
            None => Ok(()),
            Some(folder) => folder.delete(key).await,
        }
    }

    /// Up to a thousand files whose keys come after this one, in order. Files that are not named as
    /// ours are left out.
    pub async fn list(&self, after: Option<Key>) -> Result<Vec<Key>, FilesError> {
        let found = match self.place.as_deref() {
            None => Ok(Vec::new()),
            Some(Place::Folder(folder)) => folder.list(after).await,
            Some(Place::S3(s3)) => s3.list(after).await,
        };
        self.note("list", found)
    }

    /// The store of an earlier configuration, which holds orphans of its own.
    #[must_use]
    pub fn earlier(&self) -> Option<Self> {
        let place = Arc::new(Place::Folder(self.before.clone()?));
        Some(Self { place: Some(place), ..Self::default() })
    }

    /// Writes, reads and deletes a small file: does the store work?
    pub async fn check(&self, key: Key) -> Result<(), FilesError> {
        if self.place.is_none() {
            return Ok(());
        }
        const BYTES: &[u8] = b"a check of the store of files";
        let hash = Fingerprint::of(BYTES).content_hash().to_owned();
        self.put(key, BYTES.to_vec()).await?;
        self.read(key, &hash, BYTES.len() as u64).await?;
        self.delete(key).await
    }

    /// Has the store failed within this time?
    pub fn failed_within(&self, time: Duration) -> bool {
        let last = *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| at.elapsed() < time)
    }

    fn note<T>(
        &self,
        operation: &'static str,
        done: Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        if self.place.is_none() {
            return done;
        }
        let outcome = if done.is_ok() { "ok" } else { "failed" };
        metrics::counter!("file_store_operations_total", "operation" => operation, "outcome" => outcome)
            .increment(1);
        let mut last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &done {
            Ok(_) => *last = None,
            Err(_) => *last = Some(Instant::now()),
        }
        drop(last);
        done
    }
}
