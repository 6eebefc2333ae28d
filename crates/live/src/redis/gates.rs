//! The gates on Redis: a script enters, one leaves, one keeps. What Redis granted is mirrored in
//! this process, which goes on with that alone while Redis is away.

use std::{sync::LazyLock, time::Duration};

use ::redis::Script;

use super::Redis;
use crate::{
    gates::{Effect, Entry, Gate, millis},
    memory::lock,
};

/// So many places may have been given back while Redis was away; those beyond end by themselves.
const MOST_OWED: usize = 4_096;

static ENTER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("enter.lua")));
static KEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("keep.lua")));
static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("leave.lua")));

impl Redis {
    pub(crate) async fn enter(&self, holder: &str, ttl: Duration, gates: &[Gate]) -> Entry {
        let mut call = ENTER.prepare_invoke();
        call.arg(holder).arg(millis(ttl));

        for gate in gates {
            let (kind, key, word, values) = gate_words(gate);
            call.key(self.key(kind, key)).arg(word).arg(&values);
        }

        let answer = self.invoke::<(usize, u64)>(&call).await;
        if answer.is_ok() {
            self.settle().await;
        }

        match answer {
            Ok((0, probe)) => {
                self.gates.mirror(holder, ttl, gates);
                Entry::Granted { probe: probe == 1 }
            }
            Ok((gate, wait)) => {
                Entry::Refused { gate: gate - 1, wait: Duration::from_millis(wait) }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "gates kept locally");
                metrics::counter!("gate_fallbacks_total").increment(1);
                self.gates.enter(holder, ttl, gates)
            }
        }
    }

    pub(crate) async fn keep(&self, holder: &str, ttl: Duration, gates: &[Gate]) {
        self.gates.keep(holder, ttl, gates);
        let mut call = KEEP.prepare_invoke();
        call.arg(holder).arg(millis(ttl));
        for gate in gates {
            let (kind, key, word, _) = gate_words(gate);
            call.key(self.key(kind, key)).arg(word);
        }
        if let Err(error) = self.invoke::<()>(&call).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "places kept locally only");
        }
    }

    pub(crate) async fn leave(&self, holder: &str, effects: &[Effect]) -> Vec<bool> {
        let here = self.leave_here(holder, effects);
        self.tell(holder, effects).await.unwrap_or(here)
    }

    /// Applies effects in this process; Redis is told by [`Self::tell`].
    pub(crate) fn leave_here(&self, holder: &str, effects: &[Effect]) -> Vec<bool> {
        self.gates.leave(holder, effects)
    }

    /// Applies effects in Redis, if it can be reached.
    pub(crate) async fn tell(&self, holder: &str, effects: &[Effect]) -> Option<Vec<bool>> {
        let mut call = LEAVE.prepare_invoke();
        call.arg(holder);
        for effect in effects {
            let (kind, key, word, values) = effect_words(effect);
            call.key(self.key(kind, key)).arg(word).arg(&values);
        }
        match self.invoke::<Vec<u8>>(&call).await {
            Ok(opened) => Some(opened.into_iter().map(|opened| opened == 1).collect()),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "what happened is known to this process only");
                self.owe(holder, effects);
                None
            }
        }
    }

    /// Remembers which places Redis must be told are free: else they would be lost for a while.
    fn owe(&self, holder: &str, effects: &[Effect]) {
        let frees = effects.iter().filter(|effect| matches!(effect, Effect::Free { .. }));
        let frees: Vec<Effect> = frees.cloned().collect();
        let mut owed = lock(&self.owed);
        if !frees.is_empty() && owed.len() < MOST_OWED {
            owed.push_back((holder.to_owned(), frees));
        }
    }

    /// Tells Redis what it could not be told before.
    async fn settle(&self) {
        loop {
            let Some((holder, frees)) = lock(&self.owed).pop_front() else { return };
            if Box::pin(self.tell(&holder, &frees)).await.is_none() {
                return;
            }
        }
    }
}

/// The kind, the key, the condition and three numbers.
fn gate_words(gate: &Gate) -> (&'static str, &str, &'static str, [i64; 3]) {
    let bound = |most: &Option<i64>| most.map_or(-1, |most| most.max(0));
    match gate {
        Gate::Open { key } => ("open", key, "open", [0; 3]),
        Gate::Breaker { key } => ("breaker", key, "breaker", [0; 3]),
        Gate::Count { key, by, most, ttl } => {
            ("count", key, "count", [*by, bound(most), signed(millis(*ttl))])
        }
        Gate::Hold { key, by, most, ttl } => {
            ("count", key, "hold", [*by, bound(most), signed(millis(*ttl))])
        }
        Gate::Place { key, most } => ("place", key, "place", [i64::from(*most), 0, 0]),
    }
}

/// The gate's kind, its key, the effect and six numbers.
fn effect_words(effect: &Effect) -> (&'static str, &str, &'static str, [i64; 6]) {
    match effect {
        Effect::Shut { key, time } => ("open", key, "shut", six([signed(millis(*time))])),
        Effect::Reopen { key } => ("open", key, "reopen", [0; 6]),
        Effect::Report { key, worked, rules } => {
            let values = [
                worked.map_or(-1, i64::from),
                i64::from(rules.failures),
                signed(millis(rules.window)),
                i64::from(rules.row),
                signed(millis(rules.open)),
                signed(millis(rules.longest)),
            ];
            ("breaker", key, "report", values)
        }
        Effect::Add { key, by, ttl } => ("count", key, "add", six([*by, signed(millis(*ttl))])),
        Effect::Settle { key, by, ttl } => {
            ("count", key, "settle", six([*by, signed(millis(*ttl))]))
        }
        Effect::Raise { key, to, ttl } => ("count", key, "raise", six([*to, signed(millis(*ttl))])),
        Effect::Free { key } => ("place", key, "free", [0; 6]),
    }
}

fn six<const N: usize>(values: [i64; N]) -> [i64; 6] {
    let mut six = [0; 6];
    six[..N].copy_from_slice(&values);
    six
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
