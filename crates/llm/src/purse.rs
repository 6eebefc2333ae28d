//! The money of calls that go by none of the keys that admins manage: embedding and reranking.
//!
//! As for a key, what a call may cost is set aside before it is made, for the whole installation,
//! and replaced by what it cost. Until it is known what was spent before, a limit counts as
//! reached.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use replyx_core::{
    clock::{Clock, random_hex},
    money::Money,
};
use replyx_live::{Effect, Entry, Gate, Live};
use tokio::time::{Instant, sleep};

use crate::{error::ModelError, measure, periods::Periods};

/// The name of the counters.
const NAME: &str = "search";
/// Who sets money aside is forgotten after this time, should it die.
const HELD_FOR: Duration = Duration::from_mins(2);
/// A refusal that passes sooner than this is only about what other calls have set aside.
const BRIEF: Duration = Duration::from_secs(1);
/// How long a call waits for what others have set aside.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most that may be spent, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendingLimit {
    /// In a day (UTC).
    pub daily: Option<Money>,
    /// In a month (UTC).
    pub monthly: Option<Money>,
}

/// Money that the calls of all processes share. Clones are the same purse.
#[derive(Clone, Debug)]
pub struct Purse {
    live: Live,
    clock: Clock,
    limit: SpendingLimit,
    is_known: Arc<AtomicBool>,
}

impl Purse {
    /// A purse of which nobody knows yet what was taken out of it.
    pub fn new(live: Live, clock: Clock, limit: SpendingLimit) -> Self {
        Self { live, clock, limit, is_known: Arc::default() }
    }

    /// Whether there is a limit at all.
    pub fn is_limited(&self) -> bool {
        self.limit != SpendingLimit::default()
    }

    /// Tells what was spent today and this month, as the ledger has it.
    pub async fn seed(&self, today: Money, this_month: Money) {
        let periods = Periods::at(self.clock.now());
        self.live.leave("", &periods.seed_money(NAME, [today, this_month])).await;
        self.is_known.store(true, Ordering::Relaxed);
    }

    /// Sets aside what a call may cost; `None`: nobody knows what it costs.
    pub(crate) async fn set_aside(
        &self,
        model: &str,
        most: Option<Money>,
    ) -> Result<SetAside, ModelError> {
        if !self.is_limited() {
            return Ok(SetAside { taken: None });
        }
        let Some(most) = most else {
            return Err(ModelError::NoPrice { model: model.to_owned() });
        };
        if !self.is_known.load(Ordering::Relaxed) {
            return Err(ModelError::LimitReached { wait: Some(BRIEF) });
        }

        let holder = random_hex::<12>();
        let until = Instant::now() + PATIENCE;
        loop {
            let periods = Periods::at(self.clock.now());
            let SpendingLimit { daily, monthly } = self.limit;
            let gates = periods.hold(NAME, [daily, monthly], most).into();
            // Dropped before the answer has come, it gives back what may have been granted.
            let mut taken =
                Taken { live: self.live.clone(), holder: holder.clone(), gates, owed: Money::ZERO };
            match self.live.enter(&holder, HELD_FOR, &taken.gates).await {
                Entry::Granted { .. } => return Ok(SetAside { taken: Some(taken) }),
                Entry::Refused { wait, .. } => {
                    taken.gates.clear();
                    if wait >= BRIEF || Instant::now() + wait >= until {
                        measure::refused("limit_reached");
                        return Err(ModelError::LimitReached { wait: Some(wait) });
                    }
                    sleep(wait).await;
                }
            }
        }
    }
}

/// Money for one call. Dropped, it is counted as far as it is owed.
#[derive(Debug)]
pub(crate) struct SetAside {
    taken: Option<Taken>,
}

impl SetAside {
    /// What is charged if nobody waits for the call to end: from now on it is under way.
    pub(crate) fn owes(&mut self, cost: Money) {
        if let Some(taken) = &mut self.taken {
            taken.owed = cost;
        }
    }

    /// The call has ended and cost this.
    pub(crate) fn settle(mut self, cost: Money) {
        self.owes(cost);
    }
}

#[derive(Debug)]
struct Taken {
    live: Live,
    holder: String,
    gates: Vec<Gate>,
    owed: Money,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let settled = self.gates.drain(..).filter_map(|gate| match gate {
            Gate::Hold { key, ttl, .. } => {
                Some(Effect::Settle { key, by: self.owed.micros(), ttl })
            }
            _ => None,
        });
        let settled: Vec<Effect> = settled.collect();
        if !settled.is_empty() {
            self.live.leave_soon(self.holder.clone(), settled);
        }
    }
}
