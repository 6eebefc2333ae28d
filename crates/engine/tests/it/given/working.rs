//! Processes at work.

use std::sync::Arc;

use replyx_engine::{Engine, delivery, queue};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::LONG;

/// A process at work. Stops when dropped, without waiting.
pub(crate) struct Working {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Working {
    /// Runs turns, sends, and talks to other processes.
    pub(crate) fn start(engine: &Arc<Engine>) -> Self {
        let stop = CancellationToken::new();
        let tell = Arc::clone(engine);
        let hear = Arc::clone(engine);
        let told = stop.clone();
        let heard = stop.clone();
        let tasks = vec![
            tokio::spawn(queue::work(Arc::clone(engine), stop.clone())),
            tokio::spawn(delivery::work(Arc::clone(engine), stop.clone())),
            tokio::spawn(async move { tell.bell.tell(&tell.live, tell.process, told).await }),
            tokio::spawn(async move { hear.bell.hear(&hear.live, hear.process, heard).await }),
        ];
        Self { stop, tasks }
    }

    /// Runs turns alone.
    pub(crate) fn turns(engine: &Arc<Engine>) -> Self {
        let stop = CancellationToken::new();
        let tasks = vec![tokio::spawn(queue::work(Arc::clone(engine), stop.clone()))];
        Self { stop, tasks }
    }

    /// Sends alone.
    pub(crate) fn sends(engine: &Arc<Engine>) -> Self {
        let stop = CancellationToken::new();
        let tasks = vec![tokio::spawn(delivery::work(Arc::clone(engine), stop.clone()))];
        Self { stop, tasks }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            timeout(LONG, task).await.expect("work ends").expect("work does not panic");
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
