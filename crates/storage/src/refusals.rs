//! Remembers that the database took no writes, so that health can say so: reading goes on while a
//! disk is full.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{StorageError, sqlite::SqliteError};

/// Why the database refused a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no room.
    Full,
    /// It may only be read: a replica, or a file that may not be written.
    ReadOnly,
    /// The disk, or what stands for it, failed.
    Broken,
}

impl Refusal {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "takes no writes: the disk is full",
            Self::ReadOnly => "takes no writes: it may only be read",
            Self::Broken => "takes no writes: the disk fails",
        }
    }

    /// What a driver's error says of the database as a whole; nothing, when it is about a statement
    /// or a connection.
    fn of(error: &StorageError) -> Option<Self> {
        let StorageError::Driver(sqlx::Error::Database(error)) = error else { return None };
        if let Some(error) = error.try_downcast_ref::<SqliteError>() {
            return match error.kind_of_failure() {
                13 => Some(Self::Full),
                8 => Some(Self::ReadOnly),
                10 | 11 | 14 | 26 => Some(Self::Broken),
                _ => None,
            };
        }
        match error.code()?.as_ref() {
            "53100" => Some(Self::Full),
            "25006" => Some(Self::ReadOnly),
            code if code.starts_with("58") || code.starts_with("XX0") => Some(Self::Broken),
            _ => None,
        }
    }
}

/// The last refusal. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(Arc<Mutex<Option<(Instant, Refusal)>>>);

impl Refusals {
    /// Remembers the error if it is one.
    pub(crate) fn note(&self, error: &StorageError) {
        if let Some(refusal) = Refusal::of(error) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((Instant::now(), refusal));
        }
    }

    /// The last one, unless it is longer ago.
    pub(crate) fn within(&self, time: Duration) -> Option<Refusal> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(at, _)| at.elapsed() < time).map(|(_, refusal)| refusal)
    }
}
