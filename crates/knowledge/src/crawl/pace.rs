//! How often a host is asked.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many hosts are remembered; those that may be asked at once are forgotten first.
const HOSTS: usize = 10_000;

/// When each host may be asked next, for all crawls of the process.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// Waits for this host's turn and takes it; the next turn comes after `gap`.
    pub(super) async fn turn(&self, host: &str, gap: Duration) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if next.len() >= HOSTS {
                next.retain(|_, at| *at > now);
            }
            let at = next.get(host).copied().unwrap_or(now).max(now);
            next.insert(host.to_owned(), at + gap);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// Leaves a host alone for a time, as it asked.
    pub(super) fn rest(&self, host: &str, time: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + time;
        let at = next.entry(host.to_owned()).or_insert(until);
        *at = (*at).max(until);
    }
}
