//! The right to ask, for as long as it is held.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use replyx_core::money::Money;
use replyx_live::{BreakerRules, Effect, Gate};
use tokio::time::timeout;

use super::{AdmissionRequest, Doors, PLACE_TTL};

/// How often a place is kept.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// What becomes of the place of a workspace when one of its calls leaves a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SharePlace {
    /// The call goes on with another provider or key.
    Kept,
    /// Another call may take it.
    Freed,
}

/// A call that was let in. Dropped without [`AdmittedCall::end`], it gives everything back at once.
#[derive(Debug)]
pub(crate) struct AdmittedCall {
    doors: Arc<Doors>,
    ask: Arc<AdmissionRequest>,
    pub(crate) probe: bool,
    over: bool,
    owed: AtomicI64,
}

impl AdmittedCall {
    /// For a call that is about to be let in.
    pub(super) fn new(doors: &Arc<Doors>, ask: &Arc<AdmissionRequest>) -> Self {
        Self {
            doors: Arc::clone(doors),
            ask: Arc::clone(ask),
            probe: false,
            over: false,
            owed: AtomicI64::new(0),
        }
    }

    /// It was not let in: there is nothing to give back.
    pub(super) fn forget(mut self) {
        self.over = true;
    }

    /// What is charged for it if it is dropped.
    pub(crate) fn owes(&self, cost: Money) {
        self.owed.store(cost.micros(), Ordering::Relaxed);
    }

    /// Does the work, and keeps the places in the meantime.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(KEEP_EVERY, &mut work).await {
                return done;
            }
            let live = self.doors.live.clone();
            let ask = Arc::clone(&self.ask);
            tokio::spawn(async move { live.keep(&ask.holder, PLACE_TTL, &ask.gates).await });
        }
    }

    /// Leaves with these effects and this cost. For each effect: is it a report to a breaker that
    /// is open now?
    pub(crate) async fn end(
        mut self,
        mut effects: Vec<Effect>,
        share: SharePlace,
        cost: Money,
    ) -> Vec<bool> {
        effects.extend(self.ask.frees(share));
        effects.extend(self.ask.settles(cost.micros()));
        self.over = true;
        // In a task of its own, so that it happens once even if nobody waits for it any more.
        let live = self.doors.live.clone();
        let holder = self.ask.holder.clone();
        let left = tokio::spawn(async move { live.leave(&holder, &effects).await });
        let opened = left.await.unwrap_or_default();
        self.doors.freed.notify_one();
        opened
    }
}

impl Drop for AdmittedCall {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut effects = self.ask.frees(SharePlace::Freed);
        effects.extend(self.ask.settles(self.owed.load(Ordering::Relaxed)));
        effects.extend(self.ask.gates.iter().filter_map(|gate| match gate {
            Gate::Breaker { key } => Some(Effect::Report {
                key: key.clone(),
                worked: None,
                rules: BreakerRules::default(),
            }),
            _ => None,
        }));
        self.doors.live.leave_soon(self.ask.holder.clone(), effects);
        self.doors.freed.notify_one();
    }
}
