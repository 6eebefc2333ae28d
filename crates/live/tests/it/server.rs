//! A Redis of the test's own, which it may stop, freeze and disturb.

use std::{net::TcpListener, process::Stdio, time::Duration};

use redis::AsyncTypedCommands;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

pub(crate) struct Server {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl Server {
    /// A server that is not started yet, on a free port.
    pub(crate) fn stopped() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, folder: TempDir::new().unwrap(), process: None }
    }

    pub(crate) async fn started() -> Self {
        let mut server = Self::stopped();
        server.start().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn start(&mut self) {
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &self.port.to_string()])
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server should be installed: `scripts/services` does that");
        self.process = Some(process);
        let began = Instant::now();
        while self.client().await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "redis-server should start");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it; what it knew is gone.
    pub(crate) async fn stop(&mut self) {
        self.process.take().expect("it runs").kill().await.unwrap();
    }

    /// Has it neither answer nor close anything, until [`Self::thaw`].
    pub(crate) async fn freeze(&self) {
        self.signal("-STOP").await;
    }

    pub(crate) async fn thaw(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.process.as_ref().and_then(Child::id).expect("it runs").to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    async fn client(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        connection.ping().await?;
        Ok(connection)
    }

    /// Sends a command of its own, such as `FLUSHALL`.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut query = redis::cmd(words.next().unwrap());
        for word in words {
            query.arg(word);
        }
        query.query_async(&mut self.client().await.unwrap()).await.unwrap()
    }
}
