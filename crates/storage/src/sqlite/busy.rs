//! Work that keeps a thread for long.

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

/// Does work that takes long; the other tasks of this thread go on elsewhere in the meantime.
///
/// A runtime of one thread has no elsewhere (tests, some commands): there they wait.
pub(super) fn long<T>(work: impl FnOnce() -> T) -> T {
    let is_movable = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_movable { block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::sync_channel, time::Duration};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_tasks_of_the_thread_go_on() {
        let (send, received) = sync_channel(0);
        let waits = tokio::spawn(async move {
            let other = tokio::spawn(async move { send.send(()).unwrap() });
            // Both stand on the one worker: the other task runs only if this one gives it up.
            long(|| received.recv_timeout(PATIENCE)).unwrap();
            other.await.unwrap();
        });
        waits.await.unwrap();
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_does_it_in_place() {
        assert_eq!(long(|| 7), 7);
    }

    #[test]
    fn no_runtime_is_needed() {
        assert_eq!(long(|| 7), 7);
    }
}
