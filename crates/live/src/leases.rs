//! Who may do what nobody else does in the meantime.

use std::{sync::Mutex, time::Duration};

use replyx_core::clock::Clock;
use tokio::time::Instant;

use crate::memory::{ForgetfulMap, lock};

/// The right to work on `key`, for a time.
///
/// A holder that was paused for longer does not notice that it has passed. What must not be
/// written by two therefore carries the token, and the place it is written to refuses a lower one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is a lease on.
    pub key: String,
    /// The holder.
    pub owner: String,
    /// A number that is higher than that of every earlier lease on this key: microseconds since
    /// 1970, or one more than the last, so that it grows even where all state was lost.
    pub token: u64,
}

/// A time to live that every home can count: a millisecond at least, a week at most.
pub(crate) fn bounded(ttl: Duration) -> Duration {
    ttl.clamp(Duration::from_millis(1), Duration::from_hours(7 * 24))
}

/// The leases of one process.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    clock: Clock,
    held: Mutex<LeaseTable>,
}

#[derive(Debug, Default)]
struct LeaseTable {
    leases: ForgetfulMap<Holding>,
    last_token: u64,
}

#[derive(Debug)]
struct Holding {
    owner: String,
    token: u64,
    until: Instant,
}

impl Leases {
    pub(crate) fn acquire(&self, key: &str, owner: &str, ttl: Duration) -> Option<Lease> {
        let now = Instant::now();
        let held = &mut *lock(&self.held);
        let token = match held.leases.get_mut(key).filter(|holding| holding.until > now) {
            Some(holding) if holding.owner != owner => return None,
            Some(holding) => {
                holding.until = now + bounded(ttl);
                holding.token
            }
            None => {
                let micros = u64::try_from(self.clock.now().timestamp_micros()).unwrap_or(0);
                held.last_token = micros.max(held.last_token + 1);
                let token = held.last_token;
                let holding = Holding { owner: owner.to_owned(), token, until: now + bounded(ttl) };
                held.leases.insert(key, holding, |holding| holding.until > now);
                token
            }
        };
        Some(Lease { key: key.to_owned(), owner: owner.to_owned(), token })
    }

    pub(crate) fn renew(&self, lease: &Lease, ttl: Duration) -> bool {
        let now = Instant::now();
        let held = &mut *lock(&self.held);
        match held.leases.get_mut(&lease.key) {
            Some(holding) if holding.token == lease.token && holding.until > now => {
                holding.until = now + bounded(ttl);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn release(&self, lease: &Lease) {
        let held = &mut *lock(&self.held);
        if held.leases.get(&lease.key).is_some_and(|holding| holding.token == lease.token) {
            held.leases.remove(&lease.key);
        }
    }
}
