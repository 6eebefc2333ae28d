//! Connections, lent to one transaction at a time.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
    time::timeout,
};

use super::{Access, Connection, File, busy};

/// How long a caller waits for a free connection before the request fails.
const ACQUIRE: Duration = Duration::from_secs(10);

/// Connections of one kind.
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    file: File,
    access: Access,
    most: u32,
    /// One permit for each connection that may be lent; given out in the order of asking.
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    open: AtomicU32,
    is_closed: AtomicBool,
}

impl Pool {
    /// Opens the first connection; more are opened as they are needed.
    pub(super) fn open(file: &File, access: Access, most: u32) -> Result<Self, sqlx::Error> {
        let first = file.connect(access)?;
        Ok(Self(Arc::new(Inner {
            file: file.clone(),
            access,
            most,
            free: Arc::new(Semaphore::new(most as usize)),
            idle: Mutex::new(vec![first]),
            open: AtomicU32::new(1),
            is_closed: AtomicBool::new(false),
        })))
    }

    /// Lends a connection.
    pub(super) async fn lend(&self) -> Result<Lease, sqlx::Error> {
        let free = Arc::clone(&self.0.free);
        let permit = match Arc::clone(&free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(sqlx::Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => timeout(ACQUIRE, free.acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        if self.0.is_closed.load(Relaxed) {
            return Err(sqlx::Error::PoolClosed);
        }

        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => busy::long(|| self.0.connect())?,
        };
        Ok(Lease { connection: Some(connection), pool: Arc::clone(&self.0), _permit: permit })
    }

    /// Connections: (open, idle, most at once).
    pub(super) fn connections(&self) -> (u32, usize, u32) {
        (self.0.open.load(Relaxed), self.0.idle().len(), self.0.most)
    }

    /// Closes all connections once their transactions have ended; lends no more.
    pub(super) async fn close(&self) {
        self.0.is_closed.store(true, Relaxed);
        // Fails only when somebody has closed it already.
        let _all = self.0.free.acquire_many(self.0.most).await;
        self.0.free.close();
        let idle = std::mem::take(&mut *self.0.idle());
        self.0.open.store(0, Relaxed);

        busy::long(|| {
            if self.0.access == Access::Write {
                for connection in &idle {
                    // What it knows of the tables may be old; nothing else depends on it.
                    let _ = connection.optimize();
                }
            }
            drop(idle);
        });
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<Connection, sqlx::Error> {
        let connection = self.file.connect(self.access)?;
        self.open.fetch_add(1, Relaxed);
        Ok(connection)
    }
}

/// A connection that one task has for itself. It goes back when this is dropped, without an open
/// transaction.
pub(crate) struct Lease {
    /// There until the drop.
    connection: Option<Connection>,
    pool: Arc<Inner>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a lease has its connection until it is dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lease has its connection until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if connection.clean() {
            self.pool.idle().push(connection);
            return;
        }
        // The next one who asks opens another.
        self.pool.open.fetch_sub(1, Relaxed);
    }
}
