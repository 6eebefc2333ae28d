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
    /// Waits until this host may be asked. Somebody else may be quicker: [`Pace::take`] tells.
    pub(super) async fn wait(&self, host: &str) {
        let at = {
            let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            next.get(host).copied()
        };
        if let Some(at) = at {
            tokio::time::sleep_until(at).await;
        }
    }

    /// Takes this host's turn; the next one comes after `gap`. `false`: it may not be asked yet.
    pub(super) fn take(&self, host: &str, gap: Duration) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if next.len() >= HOSTS {
            next.retain(|_, at| *at > now);
        }
        let free = next.get(host).is_none_or(|at| *at <= now);
        if free {
            next.insert(host.to_owned(), now + gap);
        }
        free
    }

    /// Leaves a host alone for a time, as it asked.
    pub(super) fn rest(&self, host: &str, time: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + time;
        let at = next.entry(host.to_owned()).or_insert(until);
        *at = (*at).max(until);
    }
}
