//! Connections to `PostgreSQL`.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::runtime::Handle;

use crate::{StorageError, installation::Installation};

/// How long a caller waits for a free connection before the request fails.
const ACQUIRE: Duration = Duration::from_secs(10);

/// How long the first connection may take when a database is opened.
const REACH: Duration = Duration::from_secs(5);

/// A beat that stands still inside its transaction (the process was frozen) would keep its row, and
/// others could not tell that it is dead: the server ends such a transaction.
pub(crate) const FROZEN: &str = "SET idle_in_transaction_session_timeout = '10s'";

/// Connects once, so that a database that cannot be reached is told at once and by its cause: the
/// pool would try again in silence, and say in the end that it took too long.
pub(crate) async fn reach(options: &PgConnectOptions) -> Result<(), StorageError> {
    let connected = tokio::time::timeout(REACH, options.connect()).await;
    let connection = connected.map_err(|_| {
        let late = format!("no connection within {} s", REACH.as_secs());
        sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, late))
    })??;
    Ok(connection.close().await?)
}

/// Connections to `PostgreSQL`, each made sure of ([`Installation`]) and begun with `first`.
pub(crate) fn pool(most: u32, installation: &Installation, first: &'static str) -> PgPoolOptions {
    let installation = installation.clone();
    let kept = installation.clone();
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |conn: &mut PgConnection, _| {
            let installation = kept.clone();
            Box::pin(async move { installation.check_again(conn).await })
        })
        .after_connect(move |conn: &mut PgConnection, _| {
            let installation = installation.clone();
            Box::pin(async move {
                installation.check(conn).await?;
                if !first.is_empty() {
                    sqlx::query(first).execute(conn).await?;
                }
                Ok(())
            })
        })
}

/// Begins on a connection that works: a server that was restarted has closed all that were kept,
/// and asking each before its use would cost every transaction a round trip.
///
/// A caller may lose interest at any moment.
pub(crate) async fn begin(
    pool: &PgPool,
    sql: &'static str,
) -> Result<Transaction<'static, Postgres>, StorageError> {
    for _ in 0..pool.options().get_max_connections() {
        match begin_once(pool, sql).await {
            Err(error) if error.is_transient() && !error.is_timeout() => {}
            begun => return begun,
        }
    }
    begin_once(pool, sql).await
}

async fn begin_once(
    pool: &PgPool,
    sql: &'static str,
) -> Result<Transaction<'static, Postgres>, StorageError> {
    let pool = pool.clone();
    Ok(Finished::new(async move { pool.begin_with(sql).await }).await?)
}

/// Work that is finished in the background when its caller loses interest.
///
/// The library knows of a transaction only once the server has confirmed it: a `BEGIN` that is
/// dropped on its way would leave it open on a connection that the next one takes out of the pool
/// (sqlx issue 4393). Brought to its end, it is undone like any other transaction that is dropped.
struct Finished<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> Finished<F> {
    fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Finished<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let work = self.0.as_mut().expect("a future is not polled after its end");
        let output = ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Finished<F> {
    fn drop(&mut self) {
        let Some(work) = self.0.take() else { return };
        // Without a runtime the program ends, and its connections with it.
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(work));
        }
    }
}
