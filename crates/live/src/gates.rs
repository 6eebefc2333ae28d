//! Conditions that hold for the whole installation: something not shut, a breaker closed, a counter
//! below its bound, a free place among a few. A caller passes all of several gates or none.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use tokio::time::Instant;

use crate::memory::{ForgetfulMap, lock};

mod breaker;

pub use breaker::BreakerRules;
use breaker::{Breaker, Passage};

/// The longest time anything here is remembered: a month of counting, and a day more.
const LONGEST: Duration = Duration::from_hours(32 * 24);

/// How long to wait before asking a gate again that opens when somebody else leaves.
const SOON: Duration = Duration::from_millis(50);

/// How long to wait before asking again for what others have set aside: a call takes seconds.
const SETTLED: Duration = Duration::from_millis(250);

/// A condition for entering. Keys of different kinds never meet; one key has always the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Open unless [`Effect::Shut`] has shut it.
    Open {
        /// What may be shut.
        key: String,
    },
    /// Open while what it guards works. Once open again after failures, it lets exactly one through
    /// at a time, until that one reports a success.
    Breaker {
        /// What it guards.
        key: String,
    },
    /// A counter, raised by entering. It refuses when it has reached `most` or `by` would carry it
    /// beyond.
    Count {
        /// What is counted.
        key: String,
        /// By how much entering raises it.
        by: i64,
        /// The bound; without one it only counts.
        most: Option<i64>,
        /// How long a new counter lives; one that there is keeps its end.
        ttl: Duration,
    },
    /// Money, or anything else of which only the end shows how much is taken: `by` is set aside on
    /// entering, until [`Effect::Settle`] says what was taken. It refuses when what is counted,
    /// what others have set aside and `by` together exceed `most`. The counter is that of a
    /// [`Gate::Count`] with this key.
    Hold {
        /// What is counted.
        key: String,
        /// The most that may be taken.
        by: i64,
        /// The bound; without one nothing is set aside.
        most: Option<i64>,
        /// How long a new counter lives; one that there is keeps its end.
        ttl: Duration,
    },
    /// One of `most` places, held until [`Effect::Free`]. Who holds one already keeps it.
    Place {
        /// What the places are of.
        key: String,
        /// How many there are.
        most: u32,
    },
}

/// May one enter?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Every gate was passed.
    Granted {
        /// Is it the one that tries whether something works again?
        probe: bool,
    },
    /// Nothing was changed.
    Refused {
        /// The first gate that refused, counted from 0.
        gate: usize,
        /// When to ask again at the earliest.
        wait: Duration,
    },
}

/// What follows from having been inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Shuts [`Gate::Open`] for a time; a shorter time does not end a longer one.
    Shut {
        /// What is shut.
        key: String,
        /// For how long.
        time: Duration,
    },
    /// Opens what was shut.
    Reopen {
        /// What is opened.
        key: String,
    },
    /// Tells a breaker how it went; nothing when that is not known.
    Report {
        /// What the breaker guards.
        key: String,
        /// Did it work?
        worked: Option<bool>,
        /// When it opens, and for how long.
        rules: BreakerRules,
    },
    /// Adds to a counter, whatever its bound.
    Add {
        /// What is counted.
        key: String,
        /// How much.
        by: i64,
        /// How long a new counter lives.
        ttl: Duration,
    },
    /// Adds what was taken to the counter of a [`Gate::Hold`], and sets nothing aside any more.
    Settle {
        /// What is counted.
        key: String,
        /// How much.
        by: i64,
        /// How long a new counter lives.
        ttl: Duration,
    },
    /// Raises a counter to at least this.
    Raise {
        /// What is counted.
        key: String,
        /// The least it shall be.
        to: i64,
        /// How long a new counter lives.
        ttl: Duration,
    },
    /// Gives a place back.
    Free {
        /// What the place is of.
        key: String,
    },
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.min(LONGEST).as_millis()).unwrap_or(u64::MAX).max(1)
}

/// The gates as one process keeps them. Times are milliseconds since its start.
#[derive(Debug)]
pub(crate) struct Gates {
    start: Instant,
    state: Mutex<State>,
}

impl Default for Gates {
    fn default() -> Self {
        Self { start: Instant::now(), state: Mutex::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    shut: ForgetfulMap<u64>,
    breakers: ForgetfulMap<Breaker>,
    counters: ForgetfulMap<Counter>,
    places: ForgetfulMap<HashMap<String, u64>>,
    holds: ForgetfulMap<HashMap<String, Hold>>,
}

/// What somebody has set aside.
#[derive(Clone, Copy, Debug)]
struct Hold {
    by: i64,
    until: u64,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    value: i64,
    until: u64,
}

impl Gates {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn enter(&self, holder: &str, ttl: Duration, gates: &[Gate]) -> Entry {
        let now = self.now();
        let state = &mut *lock(&self.state);
        let refusal = gates.iter().enumerate().find_map(|(gate, condition)| {
            let wait = state.refusal(condition, holder, now)?;
            Some(Entry::Refused { gate, wait: Duration::from_millis(wait) })
        });
        refusal.unwrap_or_else(|| {
            let probe = state.pass(gates, holder, now, now + millis(ttl));
            Entry::Granted { probe }
        })
    }

    /// Notes what another home has granted, so that this process can go on alone.
    pub(crate) fn mirror(&self, holder: &str, ttl: Duration, gates: &[Gate]) {
        let now = self.now();
        lock(&self.state).pass(gates, holder, now, now + millis(ttl));
    }

    pub(crate) fn keep(&self, holder: &str, ttl: Duration, gates: &[Gate]) {
        let until = self.now() + millis(ttl);
        let state = &mut *lock(&self.state);
        for gate in gates {
            match gate {
                Gate::Place { key, .. } => {
                    let held = state.places.get_mut(key).and_then(|held| held.get_mut(holder));
                    if let Some(end) = held {
                        *end = until;
                    }
                }
                Gate::Breaker { key } => {
                    if let Some(breaker) = state.breakers.get_mut(key) {
                        breaker.keep(holder, until);
                    }
                }
                Gate::Hold { key, .. } => {
                    let held = state.holds.get_mut(key).and_then(|held| held.get_mut(holder));
                    if let Some(held) = held {
                        held.until = until;
                    }
                }
                Gate::Open { .. } | Gate::Count { .. } => {}
            }
        }
    }

    pub(crate) fn leave(&self, holder: &str, effects: &[Effect]) -> Vec<bool> {
        let now = self.now();
        let state = &mut *lock(&self.state);
        effects.iter().map(|effect| state.apply(effect, holder, now)).collect()
    }
}

impl State {
    /// How long a gate refuses, milliseconds.
    fn refusal(&self, gate: &Gate, holder: &str, now: u64) -> Option<u64> {
        match gate {
            Gate::Open { key } => {
                self.shut.get(key).and_then(|until| until.checked_sub(now)).filter(|wait| *wait > 0)
            }
            Gate::Breaker { key } => match self.breakers.get(key)?.passage(holder, now) {
                Passage::Free | Passage::Probe => None,
                Passage::Shut { wait } => Some(wait),
            },
            Gate::Count { key, by, most, .. } => {
                let counter = self.counters.get(key).filter(|counter| counter.until > now);
                let value = counter.map_or(0, |counter| counter.value);
                let most = (*most)?;
                let full = value >= most || value.saturating_add(*by) > most;
                full.then(|| counter.map_or(1, |counter| counter.until - now))
            }
            Gate::Hold { key, by, most, ttl } => {
                let most = (*most)?;
                let counter = self.counters.get(key).filter(|counter| counter.until > now);
                let value = counter.map_or(0, |counter| counter.value);
                if value >= most || value.saturating_add(*by) > most {
                    return Some(counter.map_or(millis(*ttl), |counter| counter.until - now));
                }
                let others = self.holds.get(key).map_or(0, |held| {
                    let others = held.iter().filter(|(of, held)| *of != holder && held.until > now);
                    others.fold(0_i64, |sum, (_, held)| sum.saturating_add(held.by))
                });
                let taken = value.saturating_add(others).saturating_add(*by) > most;
                taken.then(|| millis(SETTLED))
            }
            Gate::Place { key, most } => {
                let held = self.places.get(key)?;
                let taken = held.iter().filter(|(_, until)| **until > now).count();
                let mine = held.get(holder).is_some_and(|until| *until > now);
                (!mine && taken >= *most as usize).then_some(millis(SOON))
            }
        }
    }

    fn pass(&mut self, gates: &[Gate], holder: &str, now: u64, until: u64) -> bool {
        let mut probe = false;
        for gate in gates {
            match gate {
                Gate::Open { .. } | Gate::Hold { most: None, .. } => {}
                Gate::Breaker { key } => {
                    if let Some(breaker) = self.breakers.get_mut(key) {
                        probe |= breaker.pass(holder, now, until);
                    }
                }
                Gate::Count { key, by, ttl, .. } => self.count(key, *by, *ttl, now),
                Gate::Hold { key, by, .. } => {
                    if self.holds.get(key).is_none() {
                        let used =
                            |held: &HashMap<_, Hold>| held.values().any(|one| one.until > now);
                        self.holds.insert(key, HashMap::new(), used);
                    }
                    if let Some(held) = self.holds.get_mut(key) {
                        held.retain(|_, one| one.until > now);
                        held.insert(holder.to_owned(), Hold { by: *by, until });
                    }
                }
                Gate::Place { key, .. } => {
                    if self.places.get(key).is_none() {
                        let used = |held: &HashMap<_, u64>| held.values().any(|end| *end > now);
                        self.places.insert(key, HashMap::new(), used);
                    }
                    if let Some(held) = self.places.get_mut(key) {
                        held.retain(|_, end| *end > now);
                        held.insert(holder.to_owned(), until);
                    }
                }
            }
        }

        probe
    }

    fn count(&mut self, key: &str, by: i64, ttl: Duration, now: u64) {
        if let Some(counter) = self.counters.get_mut(key).filter(|counter| counter.until > now) {
            counter.value = counter.value.saturating_add(by);
        } else {
            let counter = Counter { value: by, until: now + millis(ttl) };
            self.counters.insert(key, counter, |counter| counter.until > now);
        }
    }

    /// Is the breaker it was told to open now?
    fn apply(&mut self, effect: &Effect, holder: &str, now: u64) -> bool {
        match effect {
            Effect::Shut { key, time } => {
                let end = self.shut.get(key).copied().unwrap_or(0).max(now + millis(*time));
                self.shut.insert(key, end, |end| *end > now);
            }
            Effect::Reopen { key } => self.shut.remove(key),
            Effect::Report { key, worked, rules } => {
                if self.breakers.get(key).is_none() && *worked == Some(false) {
                    self.breakers.insert(key, Breaker::default(), |breaker| breaker.is_used(now));
                }
                let Some(breaker) = self.breakers.get_mut(key) else { return false };
                return breaker.report(holder, *worked, rules, now);
            }
            Effect::Add { key, by, ttl } => self.count(key, *by, *ttl, now),
            Effect::Settle { key, by, ttl } => {
                if let Some(held) = self.holds.get_mut(key) {
                    held.remove(holder);
                }
                if *by != 0 {
                    self.count(key, *by, *ttl, now);
                }
            }
            Effect::Raise { key, to, ttl } => {
                let counter = self.counters.get(key).filter(|counter| counter.until > now);
                let missing = to.saturating_sub(counter.map_or(0, |counter| counter.value));
                if missing > 0 {
                    self.count(key, missing, *ttl, now);
                }
            }
            Effect::Free { key } => {
                if let Some(held) = self.places.get_mut(key) {
                    held.remove(holder);
                }
            }
        }

        false
    }
}
