//! Keeps those who guess keys and addresses of webhooks away from the database.
//!
//! Before a credential is looked up, [`Guesses::may_look_up`] is asked:
//!
//! 1. One that was good within the last hour may be looked up whatever others at its address do.
//! 2. For the rest an address has so many failures in a time, and then waits.
//! 3. One that was found bad a moment ago is bad.
//!
//! All of it is this process's own: what it guards is the database of this process. It never makes
//! a credential good.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use replyx_live::Rate;
use tokio::time::Instant;

/// How long a bad credential is known to be bad.
const BAD: Duration = Duration::from_secs(5);
/// How long after its last use a credential is known to have been good.
const GOOD: Duration = Duration::from_hours(1);
/// How many credentials of each kind are known.
const KNOWN: u64 = 50_000;
/// How many addresses with failures are known; past that all are forgotten.
const ADDRESSES: usize = 50_000;

/// What is known before the database is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// The database may be asked.
    Open,
    /// It was bad a moment ago.
    Bad,
    /// The address has failed too often; so long it waits.
    Wait(Duration),
}

/// Failures of addresses, and what was found of credentials.
#[derive(Debug)]
pub struct Guesses {
    good: Cache<String, ()>,
    /// With the generation of accesses at which it was bad: a change may have made it good.
    bad: Cache<String, u64>,
    failures: Mutex<HashMap<String, Window>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Instant,
    count: u32,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            good: Cache::builder().max_capacity(KNOWN).time_to_idle(GOOD).build(),
            bad: Cache::builder().max_capacity(KNOWN).time_to_live(BAD).build(),
            failures: Mutex::default(),
        }
    }
}

impl Guesses {
    fn failures(&self) -> MutexGuard<'_, HashMap<String, Window>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May the database be asked for this credential, shown from this address?
    pub fn may_look_up(&self, what: &str, whose: &str, rate: Rate, generation: u64) -> Guess {
        if self.good.get(what).is_some() {
            return Guess::Open;
        }
        if let Some(wait) = self.wait(whose, rate) {
            return Guess::Wait(wait);
        }
        if self.is_bad(what, generation) { Guess::Bad } else { Guess::Open }
    }

    /// Was the credential bad a moment ago, and has nothing changed since?
    pub fn is_bad(&self, what: &str, generation: u64) -> bool {
        self.bad.get(what) == Some(generation)
    }

    /// How long an address must wait before it may fail again.
    pub fn wait(&self, whose: &str, rate: Rate) -> Option<Duration> {
        let window = self.failures().get(whose).copied()?;
        let left = rate.per.checked_sub(window.begun.elapsed())?;
        (window.count >= rate.count).then_some(left)
    }

    /// The credential was good.
    pub fn found(&self, what: String) {
        if self.good.get(&what).is_none() {
            self.bad.invalidate(&what);
            self.good.insert(what, ());
        }
    }

    /// The credential was bad: known for a moment, and counted for its address.
    pub fn missed(&self, what: String, whose: &str, rate: Rate, generation: u64) {
        self.good.invalidate(&what);
        self.bad.insert(what, generation);
        self.count(whose, rate);
    }

    /// Counts a failure of an address.
    pub fn count(&self, whose: &str, rate: Rate) {
        let mut failures = self.failures();
        if failures.len() >= ADDRESSES && !failures.contains_key(whose) {
            failures.retain(|_, window| window.begun.elapsed() < rate.per);
            if failures.len() >= ADDRESSES {
                failures.clear();
            }
        }
        let fresh = Window { begun: Instant::now(), count: 0 };
        let window = failures.entry(whose.to_owned()).or_insert(fresh);
        if window.begun.elapsed() >= rate.per {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { count: 2, per: Duration::from_mins(1), burst: 2 };

    #[tokio::test]
    async fn an_address_that_guesses_waits_and_others_do_not() {
        let guesses = Guesses::default();
        for guess in ["x", "y"] {
            assert_eq!(guesses.may_look_up(guess, "a", RATE, 0), Guess::Open);
            guesses.missed(guess.to_owned(), "a", RATE, 0);
        }
        assert!(matches!(guesses.may_look_up("z", "a", RATE, 0), Guess::Wait(_)));
        assert_eq!(guesses.may_look_up("z", "b", RATE, 0), Guess::Open);
        let short = Rate { per: Duration::from_millis(1), ..RATE };
        tokio::time::sleep(short.per * 2).await;
        assert_eq!(guesses.may_look_up("z", "a", short, 0), Guess::Open);
    }

    #[tokio::test]
    async fn what_was_good_is_looked_up_whatever_its_address_does() {
        let guesses = Guesses::default();
        guesses.found("good".to_owned());
        for _ in 0..3 {
            guesses.count("a", RATE);
        }
        assert_eq!(guesses.may_look_up("good", "a", RATE, 0), Guess::Open);
        assert!(matches!(guesses.may_look_up("new", "a", RATE, 0), Guess::Wait(_)));
        guesses.missed("good".to_owned(), "a", RATE, 0);
        assert_eq!(guesses.may_look_up("good", "b", RATE, 0), Guess::Bad);
    }

    #[tokio::test]
    async fn what_was_bad_is_asked_for_again_once_something_has_changed() {
        let guesses = Guesses::default();
        guesses.missed("x".to_owned(), "a", RATE, 0);
        assert_eq!(guesses.may_look_up("x", "a", RATE, 0), Guess::Bad);
        assert_eq!(guesses.may_look_up("x", "a", RATE, 1), Guess::Open);
    }
}
