//! Waiting until what was committed survives a loss of power.
//!
//! Waiting for the disk inside the commit would let only one transaction pass at a time, each with
//! a wait of its own. So a commit appends to the log and frees the writer, and then waits until the
//! log is on the disk: one wait for all that have committed in the meantime. Until then others can
//! see what was committed; whatever they commit after it lasts only if it does, because the log is
//! read from its beginning.
//!
//! `SQLite` itself waits for the disk where the order of writes matters: before it copies the log
//! into the file, and when the log starts again (`synchronous = NORMAL`).

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::Builder,
};

use tokio::sync::watch;

use super::error::SqliteError;

/// Waits for the disk, for all commits at once.
pub(super) struct Durability {
    /// How many commits there have been.
    committed: Arc<AtomicU64>,
    state: watch::Sender<State>,
    /// Wakes the thread that waits. It ends when this is dropped.
    wake: SyncSender<()>,
}

/// Which commits last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Those up to this number.
    Lasting(u64),
    /// Nobody knows: the disk has failed, and what it was given may be gone without another word.
    /// Only a start that reads what is there can tell.
    Failed,
}

impl Durability {
    /// Starts the thread that waits for the log of this database.
    pub(super) fn start(database: &Path) -> io::Result<Self> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let committed = Arc::new(AtomicU64::new(0));
        let state = watch::Sender::new(State::Lasting(0));
        let (wake, woken) = sync_channel(1);
        let thread = Syncing {
            log: log.into(),
            file: None,
            committed: Arc::clone(&committed),
            state: state.clone(),
        };
        Builder::new().name("sqlite-sync".to_owned()).spawn(move || thread.run(&woken))?;
        Ok(Self { committed, state, wake })
    }

    /// Counts a commit, before another one can follow.
    pub(super) fn count(&self) -> u64 {
        self.committed.fetch_add(1, SeqCst) + 1
    }

    /// Waits until the commit of this number lasts.
    ///
    /// # Errors
    ///
    /// Fails when the disk does: nobody knows whether it lasts.
    pub(super) async fn wait(&self, number: u64) -> Result<(), sqlx::Error> {
        let failed = || SqliteError::not_synced();
        let mut state = self.state.subscribe();
        // Full: the thread has been woken and has not looked yet.
        if let Err(TrySendError::Disconnected(())) = self.wake.try_send(()) {
            return Err(failed());
        }

        let reached = state.wait_for(|state| match state {
            State::Lasting(last) => *last >= number,
            State::Failed => true,
        });
        match reached.await.as_deref() {
            Ok(State::Lasting(_)) => Ok(()),
            Ok(State::Failed) | Err(_) => Err(failed()),
        }
    }
}

/// The thread that waits.
struct Syncing {
    log: PathBuf,
    /// The log, once it has been opened. It stays the same file while a connection is open.
    file: Option<File>,
    committed: Arc<AtomicU64>,
    state: watch::Sender<State>,
}

impl Syncing {
    fn run(mut self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            let number = self.committed.load(SeqCst);
            if let Err(error) = self.sync() {
                tracing::error!(error = &error as &dyn std::error::Error, "disk failed to sync");
                self.state.send_replace(State::Failed);
                return;
            }
            self.state.send_replace(State::Lasting(number));
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(&self.log)?,
        };
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Error;

    use super::*;

    #[tokio::test]
    async fn commits_last_once_the_log_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        std::fs::write(folder.path().join("x.db-wal"), "log").unwrap();
        let durability = Durability::start(&database).unwrap();
        let first = durability.count();
        let second = durability.count();
        durability.wait(second).await.unwrap();
        assert_eq!(*durability.state.borrow(), State::Lasting(second));
        durability.wait(first).await.unwrap();
        assert_eq!(durability.count(), second + 1);
    }

    #[tokio::test]
    async fn after_a_failed_sync_no_commit_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let durability = Durability::start(&folder.path().join("x.db")).unwrap();
        for _ in 0..2 {
            let failed = durability.wait(durability.count()).await.unwrap_err();
            let Error::Database(error) = failed else { panic!("{failed}") };
            let error = error.try_downcast_ref::<SqliteError>().unwrap();
            assert_eq!(error.kind_of_failure(), rusqlite::ffi::SQLITE_IOERR);
            // By now there is a log, and it is too late.
            std::fs::write(folder.path().join("x.db-wal"), "log").unwrap();
        }
    }
}
