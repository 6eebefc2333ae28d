//! `SQLite`, called on the thread of the task that asks.
//!
//! A statement takes microseconds, which is less than it takes to hand it to another thread and to
//! be woken with what it found. So a statement is a plain call, and only what takes long tells the
//! runtime that its thread is busy ([`busy`]).
//!
//! One connection writes and a few read beside it (WAL). Each is lent to one transaction at a time,
//! in the order in which they were asked for, and comes back without an open transaction, whatever
//! became of the task ([`pool`]). The write-ahead log is copied into the file by a thread of its
//! own ([`checkpoints`]).

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    task::consume_budget,
    time::{Instant, sleep},
};

mod busy;
mod checkpoints;
mod connection;
pub(crate) mod copy;
mod durability;
mod error;
mod migrate;
mod pool;
mod row;

use checkpoints::Checkpoints;
pub(crate) use connection::Connection;
use connection::{BusyPolicy, take_pages};
use durability::Durability;
pub(crate) use error::SqliteError;
pub(crate) use pool::Lease;
use pool::Pool;

/// How long a connection waits for another program that writes to the file.
const LOCKED: Duration = Duration::from_secs(5);
/// How long it sleeps between two tries, at least and at most.
const TRIES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(25)];

const DAY: Duration = Duration::from_hours(24);

/// Most connections that read.
const READERS: u32 = 4;

/// Whether what was committed survives a loss of power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Yes: a commit returns when its data is on the disk.
    #[default]
    Full,
    /// The last moments may be lost with the power, the file stays whole. A crash of the program
    /// loses nothing.
    Normal,
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: PathBuf,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Write,
    /// Reading; a statement that would write fails.
    Read,
}

/// An open file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sqlite(Arc<Inner>);

struct Inner {
    file: File,
    writer: Pool,
    readers: Pool,
    checkpoints: Checkpoints,
    /// Waits for the disk, if commits do.
    durability: Option<Durability>,
    opened: Instant,
    /// For how many days after the opening [`Connection::optimize`] was done.
    optimized: AtomicU64,
}

impl Sqlite {
    /// Opens the file, and makes it when there is none.
    pub(crate) fn open(path: &Path, readers: u32, sync: Sync) -> Result<Self, sqlx::Error> {
        let file = File { path: path.to_owned() };
        busy::long(|| {
            Ok(Self(Arc::new(Inner {
                writer: Pool::open(&file, Access::Write, 1)?,
                readers: Pool::open(&file, Access::Read, readers.clamp(1, READERS))?,
                checkpoints: Checkpoints::of(&file),
                durability: match sync {
                    Sync::Full => Some(Durability::start(path)?),
                    Sync::Normal => None,
                },
                file,
                opened: Instant::now(),
                optimized: AtomicU64::new(0),
            })))
        })
    }

    /// Begins a transaction that may write: the write lock is taken at once.
    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        consume_budget().await;
        let mut lease = self.0.writer.lend().await?;
        let asked = Instant::now();
        let mut wait = TRIES[0];
        // Another program may hold the lock. SQLite's own way to wait would stop the thread.
        let patience =
            || if asked.elapsed() < LOCKED { BusyPolicy::Wait } else { BusyPolicy::Fail };
        while !lease.begin_immediate(patience())? {
            sleep(wait).await;
            wait = (wait * 2).min(TRIES[1]);
        }
        Ok(Transaction { lease, home: Some(Arc::clone(&self.0)) })
    }

    /// Begins a transaction that reads, and waits for no writer.
    pub(crate) async fn read(&self) -> Result<Transaction, sqlx::Error> {
        consume_budget().await;
        let mut lease = self.0.readers.lend().await?;
        lease.run("BEGIN", &[])?;
        Ok(Transaction { lease, home: None })
    }

    /// The connection that writes, outside a transaction.
    pub(crate) async fn writer(&self) -> Result<Lease, sqlx::Error> {
        self.0.writer.lend().await
    }

    /// Connections: (open, idle, most at once).
    pub(crate) fn connections(&self) -> (u32, usize, u32) {
        let writer = self.0.writer.connections();
        let readers = self.0.readers.connections();
        (writer.0 + readers.0, writer.1 + readers.1, writer.2 + readers.2)
    }

    /// Brings what `SQLite` knows of the tables' sizes up to date, which its choice of indexes
    /// depends on. It looks at a bounded number of rows, however many there are.
    pub(crate) async fn optimize(&self) -> Result<(), sqlx::Error> {
        let lease = self.writer().await?;
        busy::long(|| lease.optimize())
    }

    /// Closes all connections once their transactions have ended.
    pub(crate) async fn close(&self) {
        self.0.readers.close().await;
        busy::long(|| self.0.checkpoints.close());
        self.0.writer.close().await;
    }
}

/// An open transaction. Dropping it undoes it.
pub(crate) struct Transaction {
    lease: Lease,
    /// Where its commit makes the log grow, if it may write.
    home: Option<Arc<Inner>>,
}

impl Transaction {
    /// The connection, for a statement.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.lease
    }

    /// Makes it last.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { mut lease, home } = self;
        take_pages();
        lease.run("COMMIT", &[])?;
        let pages = take_pages();
        let Some(home) = home.filter(|_| pages > 0) else { return Ok(()) };

        let number = home.durability.as_ref().map(Durability::count);
        home.checkpoints.after_commit(&lease, pages);
        home.optimize_daily(&lease);
        // Others write while this one waits for the disk.
        drop(lease);
        match (&home.durability, number) {
            (Some(durability), Some(number)) => durability.wait(number).await,
            _ => Ok(()),
        }
    }
}

impl Inner {
    /// Sees to what `SQLite` knows of its tables once a day.
    fn optimize_daily(&self, writer: &Connection) {
        let days = self.opened.elapsed().as_secs() / DAY.as_secs();
        if self.optimized.swap(days, Relaxed) >= days {
            return;
        }
        // The next day may succeed; until then indexes are chosen as they were.
        if let Err(error) = busy::long(|| writer.optimize()) {
            tracing::warn!(error = &error as &dyn Error, "database not optimized");
        }
    }
}
