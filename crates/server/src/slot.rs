//! Who a process is, across its deaths.
//!
//! A process keeps its id in a file of the data folder and holds a lock on that file while it
//! lives; the kernel releases the lock when it dies, however it dies. So a process that gets the
//! lock knows that the owner of the id is dead, takes the id over, and with it whatever the dead
//! one held, at once. A second process on the same folder finds the lock taken and gets an id of
//! its own; what it leaves behind when it is killed is free when its heartbeat has been silent for
//! long enough.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use anyhow::{Context, bail};
use replyx_core::{clock::Clock, ids::ProcessId};

/// How many processes may work with a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// One: its database is made for one process.
    Exclusive,
    /// Several, each with an id of its own.
    Shared,
}

/// An id that nobody else uses while this lives.
#[derive(Debug)]
pub struct Slot {
    /// Who we are.
    pub id: ProcessId,
    _lock: Option<File>,
}

impl Slot {
    /// Takes the id of the dead, or a new one.
    ///
    /// # Errors
    ///
    /// Fails when the owner of an exclusive folder lives.
    pub fn take(
        folder: &Path,
        name: &str,
        occupancy: Occupancy,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
        let path = folder.join(format!("{name}.id"));

        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("`{}` cannot be opened", path.display()))?;

        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if occupancy == Occupancy::Exclusive => bail!(
                "another replyx runs on the data folder `{}`; several processes need DATABASE_URL=postgres://...",
                folder.display()
            ),
            Err(TryLockError::WouldBlock) => return Ok(Self { id: clock.id(), _lock: None }),
            Err(TryLockError::Error(error)) => {
                return Err(error)
                    .with_context(|| format!("`{}` cannot be locked", path.display()));
            }
        }

        let mut kept = String::new();
        file.read_to_string(&mut kept)
            .with_context(|| format!("`{}` cannot be read", path.display()))?;

        let id = if let Ok(id) = kept.trim().parse() {
            id
        } else {
            let id: ProcessId = clock.id();
            file.seek(SeekFrom::Start(0))?;
            file.set_len(0)?;
            file.write_all(id.to_string().as_bytes())?;
            file.sync_all()?;
            id
        };

        Ok(Self { id, _lock: Some(file) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_from_the_dead_and_never_from_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let first = Slot::take(folder.path(), "all", Occupancy::Shared, &clock).unwrap();
        let second = Slot::take(folder.path(), "all", Occupancy::Shared, &clock).unwrap();
        assert_ne!(first.id, second.id);
        assert!(Slot::take(folder.path(), "all", Occupancy::Exclusive, &clock).is_err());

        let id = first.id;
        drop(first);
        assert_eq!(Slot::take(folder.path(), "all", Occupancy::Exclusive, &clock).unwrap().id, id);
    }
}
