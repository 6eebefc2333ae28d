//! What is asked of the shared state before an attempt, and what is told to it afterwards.

use std::{sync::Arc, time::Duration};

use replyx_core::money::Money;
use replyx_live::{BreakerRules, Effect, Gate};

use super::blame::Blame;
use crate::{
    admission::{AdmittedCall, SharePlace},
    keys::{HeldKey, KeyEvent, Link, Standing},
    measure,
    models::Models,
    periods::Periods,
};

/// A key that was refused is tried again after this long, should nobody look after it.
pub(crate) const REFUSED: Duration = Duration::from_hours(30 * 24);
/// A key whose money is spent is tried again after this long.
const EXHAUSTED: Duration = Duration::from_mins(10);
/// The first guess at how long a provider wants to be left alone when it does not say; doubled by
/// every further one.
const GUESS: Duration = Duration::from_secs(20);
/// The longest guess.
const LONGEST_GUESS: Duration = Duration::from_mins(10);
/// The shortest and the longest cool-down that a provider may ask for: limits of a day are told as
/// well.
const COOL_DOWN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(24));

/// A cool-down that a provider asked for, within our bounds.
pub(super) fn bounded(told: Duration) -> Duration {
    told.clamp(COOL_DOWN.0, COOL_DOWN.1)
}

/// The name under which a key is shut because the provider said so.
pub(crate) fn told(held: &HeldKey) -> String {
    format!("key:{}:told", held.mark)
}

fn guessed(held: &HeldKey) -> String {
    format!("key:{}:guessed", held.mark)
}

fn provider_breaker(link: &Link) -> String {
    format!("provider:{}", link.provider)
}

fn key_breaker(held: &HeldKey) -> String {
    format!("key:{}", held.mark)
}

/// A refusal that passes sooner than this is only about what other calls have set aside.
const BRIEF: Duration = Duration::from_secs(1);

/// What a gate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matter {
    Told,
    Guessed,
    Provider,
    Key,
    Limit,
    Money,
}

/// What is made of rests that were guessed, not told by a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guesses {
    Respected,
    /// Nothing else is left to be asked.
    PassedOver,
}

/// What an attempt must pass, in order.
pub(super) struct Checks<'a> {
    link: &'a Link,
    held: &'a HeldKey,
    list: Vec<(Matter, Gate)>,
}

impl<'a> Checks<'a> {
    /// `cost` is set aside.
    pub(super) fn new(
        link: &'a Link,
        held: &'a HeldKey,
        periods: &Periods,
        cost: Money,
        guesses: Guesses,
    ) -> Self {
        let mut list = vec![(Matter::Told, Gate::Open { key: told(held) })];
        if guesses == Guesses::Respected {
            list.push((Matter::Guessed, Gate::Open { key: guessed(held) }));
        }
        list.push((Matter::Provider, Gate::Breaker { key: provider_breaker(link) }));
        list.push((Matter::Key, Gate::Breaker { key: key_breaker(held) }));
        list.extend(periods.requests(&held.key).into_iter().map(|gate| (Matter::Limit, gate)));
        list.extend(periods.money(&held.key, cost).into_iter().map(|gate| (Matter::Money, gate)));
        Self { link, held, list }
    }

    /// Is this gate about money?
    pub(super) fn is_money(&self, gate: usize) -> bool {
        self.list.get(gate).is_some_and(|(matter, _)| *matter == Matter::Money)
    }

    pub(super) fn gates(&self) -> Vec<Gate> {
        self.list.iter().map(|(_, gate)| gate.clone()).collect()
    }
}

/// What an attempt has taught.
pub(super) struct Lesson<'a> {
    pub(super) link: &'a Link,
    pub(super) held: &'a Arc<HeldKey>,
    /// Nothing when it answered.
    pub(super) blame: Option<Blame>,
    pub(super) cost: Money,
}

impl Models {
    /// Notes that a gate refused; was it one that was only guessed?
    pub(super) fn note_refusal(&self, checks: &Checks<'_>, gate: usize, wait: Duration) -> bool {
        let Checks { link, held, list } = checks;
        match list[gate].0 {
            Matter::Guessed => return true,
            Matter::Provider => measure::breaker(&link.provider, 1.0),
            Matter::Told if wait > COOL_DOWN.1 => held.rests(Standing::Refused, wait),
            Matter::Told | Matter::Key => held.rests(Standing::CoolingDown, wait),
            Matter::Money if wait < BRIEF => return false,
            matter @ (Matter::Limit | Matter::Money) => {
                // A call that may cost less than this one may still be in its limit.
                if matter == Matter::Money {
                    held.stands(Standing::Exhausted, wait);
                } else {
                    held.rests(Standing::Exhausted, wait);
                }
                if held.announce(wait) {
                    let provider = link.provider.to_string();
                    self.announce(KeyEvent::Exhausted { key: held.key.id, provider, time: wait });
                }
            }
        }
        self.registry().measure();
        false
    }

    /// Leaves, and tells the installation what the attempt has taught.
    pub(super) async fn learn(&self, lesson: Lesson<'_>, inside: AdmittedCall) {
        let Lesson { link, held, blame, cost } = lesson;
        let worked = blame.map_or(Some(true), Blame::worked);
        let report = |key| Effect::Report { key, worked, rules: BreakerRules::default() };
        let mut effects = vec![report(provider_breaker(link)), report(key_breaker(held))];
        effects.extend(blame.and_then(|blame| self.rest(link, held, blame)));
        let stood = held.standing();
        // A call that failed goes on elsewhere.
        let share = if blame.is_some() { SharePlace::Kept } else { SharePlace::Freed };
        let opened = inside.end(effects, share, cost).await;
        measure::breaker(&link.provider, if opened.first() == Some(&true) { 1.0 } else { 0.0 });
        if blame.is_none() {
            held.works();
        }
        if stood != held.standing() {
            self.registry().measure();
        }
    }

    /// Has a key rest where it is to blame.
    fn rest(&self, link: &Link, held: &HeldKey, blame: Blame) -> Option<Effect> {
        let key = held.key.id;
        let provider = link.provider.to_string();

        let effect = match blame {
            Blame::Refused => {
                held.rests(Standing::Refused, REFUSED);
                self.announce(KeyEvent::Refused { key, provider });
                Effect::Shut { key: told(held), time: REFUSED }
            }
            Blame::Exhausted => {
                held.rests(Standing::Exhausted, EXHAUSTED);
                self.announce(KeyEvent::Exhausted { key, provider, time: EXHAUSTED });
                Effect::Shut { key: told(held), time: EXHAUSTED }
            }
            Blame::Throttled { told: Some(time) } => {
                let time = bounded(time);
                held.rests(Standing::CoolingDown, time);
                self.announce(KeyEvent::CoolingDown { key, provider, time });
                Effect::Shut { key: told(held), time }
            }
            Blame::Throttled { told: None } => {
                let time = GUESS.saturating_mul(1 << held.guess().min(6)).min(LONGEST_GUESS);
                held.should_rest(time);
                self.announce(KeyEvent::CoolingDown { key, provider, time });
                Effect::Shut { key: guessed(held), time }
            }
            Blame::Unusable
            | Blame::Forbidden
            | Blame::Provider { .. }
            | Blame::Wordless
            | Blame::Request => return None,
        };

        Some(effect)
    }
}
