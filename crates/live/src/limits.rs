//! How fast something may be done: the generic cell rate algorithm over several keys at once.
//!
//! A key remembers one time: when it will owe nothing (its "theoretical arrival time"). Each go
//! moves it by the interval between two goes; a go is granted while it stays within the burst.

use std::{sync::Mutex, time::Duration};

use replyx_core::setting::RateSetting;
use tokio::time::Instant;

use crate::memory::{ForgetfulMap, lock};

/// The longest pause, and the longest time a burst may take to be earned back.
const WEEK: Duration = Duration::from_hours(7 * 24);

/// How often something may be done.
///
/// No window of `per` ever sees more than `count + burst` goes, and in the long run there are
/// `count` in each. Numbers below one count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time in which `count` goes are allowed; at most a week.
    pub per: Duration,
    /// How many goes are allowed in `per`.
    pub count: u32,
    /// How many goes may be taken at once after a rest. With 1 they are evenly spaced.
    pub burst: u32,
}

impl Rate {
    /// Microseconds between two goes, rounded up: rather slower than too fast.
    pub(crate) fn interval(self) -> u64 {
        micros(self.per.min(WEEK)).div_ceil(u64::from(self.count.max(1))).max(1)
    }

    /// How far ahead of now the time of a key may get, in microseconds.
    pub(crate) fn tolerance(self) -> u64 {
        self.interval().saturating_mul(u64::from(self.burst.max(1))).min(micros(WEEK))
    }
}

impl From<RateSetting> for Rate {
    /// All of its goes may be taken at once after a rest.
    fn from(RateSetting { count, per }: RateSetting) -> Self {
        Self { per, count, burst: count }
    }
}

/// A rate, and what it is kept for. One key always has the same rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What the rate is kept for, such as one bot or one chat.
    pub key: String,
    /// How often.
    pub rate: Rate,
}

/// What the limits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Go; it has been charged to every limit.
    Granted,
    /// Not now, and nothing has been charged. Asking again is pointless before this has passed.
    Wait(Duration),
}

impl Permit {
    /// The answer for a wait in microseconds, none meaning granted.
    fn after(wait: u64) -> Self {
        if wait == 0 { Self::Granted } else { Self::Wait(Duration::from_micros(wait)) }
    }
}

/// What the limits say, and what they would say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The answer.
    pub permit: Permit,
    /// How many more goes the tightest of the limits would grant now.
    pub left: u32,
    /// How long until that limit would grant its whole burst again.
    pub reset: Duration,
}

impl Spent {
    /// From microseconds. After a refusal nothing is left, whichever limit or pause refused.
    pub(crate) fn new(wait: u64, left: u64, reset: u64) -> Self {
        let left = if wait == 0 { u32::try_from(left).unwrap_or(u32::MAX) } else { 0 };
        Self { permit: Permit::after(wait), left, reset: Duration::from_micros(reset.max(wait)) }
    }

    /// For a request without limits.
    pub(crate) const UNLIMITED: Self =
        Self { permit: Permit::Granted, left: u32::MAX, reset: Duration::ZERO };
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A pause in microseconds.
pub(crate) fn pause_micros(duration: Duration) -> u64 {
    micros(duration.min(WEEK))
}

/// The limits as one process keeps them. A key is forgotten once it owes nothing.
#[derive(Debug)]
pub(crate) struct Limiter {
    start: Instant,
    cells: Mutex<ForgetfulMap<Cell>>,
}

/// Times in microseconds since the limiter's start.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    arrival: u64,
    paused_until: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { start: Instant::now(), cells: Mutex::default() }
    }
}

impl Limiter {
    fn now(&self) -> u64 {
        micros(self.start.elapsed())
    }

    pub(crate) fn take_many(&self, requests: &[&[Limit]]) -> Vec<Spent> {
        let now = self.now();
        let cells = &mut *lock(&self.cells);
        requests.iter().map(|limits| take(cells, limits, now)).collect()
    }

    pub(crate) fn pause(&self, key: &str, duration: Duration) {
        let now = self.now();
        let cells = &mut *lock(&self.cells);
        let cell = cells.get(key).copied().unwrap_or_default();
        let paused_until = cell.paused_until.max(now + pause_micros(duration));
        put(cells, key, Cell { paused_until, ..cell }, now);
    }

    /// How long all of `limits` remain paused, in microseconds.
    pub(crate) fn paused(&self, limits: &[Limit]) -> u64 {
        let now = self.now();
        let cells = lock(&self.cells);
        let waits = limits.iter().filter_map(|limit| cells.get(&limit.key));
        waits.map(|cell| cell.paused_until.saturating_sub(now)).max().unwrap_or(0)
    }
}

fn take(cells: &mut ForgetfulMap<Cell>, limits: &[Limit], now: u64) -> Spent {
    let mut wait = 0;
    for Limit { key, rate } in limits {
        let cell = cells.get(key).copied().unwrap_or_default();
        let ready = cell.arrival.max(now) + rate.interval();
        wait = wait.max(ready.saturating_sub(now + rate.tolerance()));
        wait = wait.max(cell.paused_until.saturating_sub(now));
    }
    let mut left = u64::MAX;
    let mut reset = 0;
    for Limit { key, rate } in limits {
        let cell = cells.get(key).copied().unwrap_or_default();
        let mut arrival = cell.arrival.max(now);
        if wait == 0 {
            arrival += rate.interval();
            put(cells, key, Cell { arrival, ..cell }, now);
        }
        let goes = (now + rate.tolerance()).saturating_sub(arrival) / rate.interval();
        if goes < left {
            (left, reset) = (goes, arrival - now);
        }
    }
    Spent::new(wait, left, reset)
}

fn put(cells: &mut ForgetfulMap<Cell>, key: &str, cell: Cell, now: u64) {
    match cells.get_mut(key) {
        Some(known) => *known = cell,
        None => cells.insert(key, cell, |cell| cell.arrival.max(cell.paused_until) > now),
    }
}
