//! The connection for commands. A task keeps it: it connects, looks after it, and connects again.
//!
//! Callers never connect. They get the connection there is, wait a moment for one that is being
//! made for the first time or after a loss, and fail at once while Redis is known to be away.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, AsyncTypedCommands, Client, ErrorKind, RedisError, RedisResult,
    ServerErrorKind, aio::MultiplexedConnection,
};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{LiveError, PATIENCE};

/// How often an idle connection is tried: finds peers that vanished without a word.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// The first and the longest time between two attempts to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

#[derive(Debug)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    doubt: Arc<Notify>,
}

#[derive(Clone, Debug)]
enum State {
    Connecting,
    Up(MultiplexedConnection),
    Down,
}

impl Link {
    /// Starts to connect, and waits a moment for the outcome.
    pub(super) async fn open(client: Client, stop: &CancellationToken) -> Self {
        let (sender, state) = watch::channel(State::Connecting);
        let doubt = Arc::new(Notify::new());
        let keeping = keep(client, sender, Arc::clone(&doubt));
        tokio::spawn(stop.clone().run_until_cancelled_owned(keeping));
        let link = Self { state, doubt };
        // The task tells the log if there is none.
        let _ = timeout(PATIENCE, link.connection()).await;
        link
    }

    /// Runs a command within the time that callers wait.
    pub(super) async fn ask<T>(
        &self,
        command: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, LiveError> {
        let asked = async {
            let connection = self.connection().await.ok_or(LiveError::Unavailable(None))?;
            command(connection).await.map_err(|error| self.judge(error))
        };
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
            self.doubt.notify_one();
            Err(LiveError::Unavailable(None))
        })
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut state = self.state.clone();
        let known = state.wait_for(|state| !matches!(state, State::Connecting));
        match &*known.await.ok()? {
            State::Up(connection) => Some(connection.clone()),
            State::Connecting | State::Down => None,
        }
    }

    /// Says what an error of a command means, and has the connection checked if it may be gone.
    fn judge(&self, error: RedisError) -> LiveError {
        if error.is_io_error() || error.is_unrecoverable_error() {
            self.doubt.notify_one();
            return LiveError::Unavailable(Some(error));
        }
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => {
                LiveError::Unavailable(Some(error))
            }
            _ => LiveError::Refused(error),
        }
    }
}

/// A delay that differs between processes, so that they do not all come back at once.
pub(super) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(rand::random_range(0.5..1.0))
}

async fn keep(client: Client, state: watch::Sender<State>, doubt: Arc<Notify>) {
    let (mut delay, longest) = BACKOFF;
    let mut silent = false;
    loop {
        let error = match connect(&client).await {
            Ok(connection) => {
                metrics::gauge!("redis_available").set(1.0);
                state.send_replace(State::Up(connection.clone()));
                tracing::info!("connected to redis");
                (delay, silent) = (BACKOFF.0, false);
                let error = until_lost(connection, &doubt).await;
                state.send_replace(State::Connecting);
                error
            }
            Err(error) => {
                state.send_replace(State::Down);
                error
            }
        };

        metrics::gauge!("redis_available").set(0.0);

        if !std::mem::replace(&mut silent, true) {
            tracing::warn!(error = &error as &dyn std::error::Error, "redis is unavailable");
        }

        sleep(jittered(delay)).await;
        delay = longest.min(delay * 2);
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    // A server that is still loading accepts connections.
    connection.ping().await?;
    Ok(connection)
}

async fn until_lost(mut connection: MultiplexedConnection, doubt: &Notify) -> RedisError {
    loop {
        let _ = timeout(CHECK_EVERY, doubt.notified()).await;
        if let Err(error) = connection.ping().await {
            return error;
        }
    }
}
