//! Copying the write-ahead log into the file.
//!
//! A commit appends to the log. Copying it costs two waits for the disk, so a thread of its own
//! does that as soon as there is enough to copy, beside readers and writers. The log starts
//! again at its beginning when all of it has been copied and nobody reads from it; under steady
//! load that may never happen by itself. So there is a bound: the commit that passes it empties the
//! log while no other can write.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use super::{Connection, File, busy};

/// From how many pages (of 4 kB) on the log is copied.
const ENOUGH: u32 = 1000;
/// The bound: 64 MB.
const MOST: u32 = 16_384;
/// How many pages later emptying it is tried again when somebody still read from it.
const AGAIN: u32 = 4096;
/// How long those who read are waited for.
const READERS: Duration = Duration::from_millis(100);

/// The log of a file and who copies it.
pub(super) struct Checkpoints {
    file: File,
    copier: Mutex<Option<Copier>>,
    /// Held by the task that copies the log: `SQLite` would refuse the second one.
    copying: Arc<Mutex<()>>,
    /// With how many pages the log is emptied.
    bound: AtomicU32,
}

/// The thread that copies. It ends when this is dropped.
struct Copier {
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn of(file: &File) -> Self {
        Self {
            file: file.clone(),
            copier: Mutex::new(None),
            copying: Arc::default(),
            bound: AtomicU32::new(MOST),
        }
    }

    /// Sees to the log, which has this many pages after a commit on this connection.
    pub(super) fn after_commit(&self, writer: &Connection, pages: u32) {
        if pages < ENOUGH {
            return;
        }
        if pages >= self.bound.load(Relaxed) {
            self.empty(writer, pages);
            return;
        }

        let mut copier = self.copier.lock().unwrap_or_else(PoisonError::into_inner);
        if copier.as_ref().is_none_or(|copier| copier.thread.is_finished()) {
            *copier = Copier::start(&self.file, &self.copying);
        }
        if let Some(copier) = &*copier {
            // Full: it has been woken and has not looked yet.
            let _ = copier.wake.try_send(());
        }
    }

    fn empty(&self, writer: &Connection, pages: u32) {
        let emptied = busy::long(|| {
            let _copying = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
            writer.empty_log(READERS)
        });
        let bound = match emptied {
            Ok(true) => MOST,
            Ok(false) => pages + AGAIN,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "write-ahead log not emptied"
                );
                pages + AGAIN
            }
        };
        self.bound.store(bound, Relaxed);
    }

    /// Ends the thread, once it has copied what it is at.
    pub(super) fn close(&self) {
        let copier = self.copier.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Copier { wake, thread }) = copier else { return };
        drop(wake);
        // It does not panic; if it did, there would be nothing left to wait for.
        let _ = thread.join();
    }
}

impl Copier {
    fn start(file: &File, copying: &Arc<Mutex<()>>) -> Option<Self> {
        let (wake, woken) = sync_channel(1);
        let file = file.clone();
        let copying = Arc::clone(copying);
        let thread = Builder::new()
            .name("sqlite-checkpoints".to_owned())
            .spawn(move || {
                if let Err(error) = copy(&file, &copying, &woken) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "write-ahead log not copied"
                    );
                }
            })
            .inspect_err(|error| {
                tracing::warn!(error = error as &dyn std::error::Error, "thread not started");
            })
            .ok()?;
        Some(Self { wake, thread })
    }
}

/// Copies whenever it is woken, until nobody is left to wake it.
fn copy(file: &File, copying: &Mutex<()>, woken: &Receiver<()>) -> Result<(), rusqlite::Error> {
    let connection = file.connect_raw()?;
    while woken.recv().is_ok() {
        let _copying = copying.lock().unwrap_or_else(PoisonError::into_inner);
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            tracing::warn!(error = &error as &dyn std::error::Error, "write-ahead log not copied");
        }
    }
    Ok(())
}
