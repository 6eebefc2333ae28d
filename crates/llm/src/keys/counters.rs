//! What the limits of a key count.

use replyx_core::money::Money;
use replyx_live::{Effect, Gate};

use super::{KeyUse, ProviderKey};
use crate::periods::{MOST, Period, Periods, counter, raise};

impl Periods {
    /// What a key must pass to be used once more; passing counts the request.
    pub(crate) fn requests(&self, key: &ProviderKey) -> [Gate; 2] {
        let gate = |period: &Period, most: Option<u64>| Gate::Count {
            key: counter(&key.id.to_string(), "requests", period),
            by: 1,
            most: most.map(|most| i64::try_from(most).unwrap_or(i64::MAX)),
            ttl: period.left,
        };
        [gate(&self.day, key.daily_requests), gate(&self.month, key.monthly_requests)]
    }

    /// What a key must pass to be used for a call of at most this cost, which is set aside until
    /// the call has ended.
    pub(crate) fn money(&self, key: &ProviderKey, cost: Money) -> [Gate; 2] {
        self.hold(&key.id.to_string(), [key.daily_cost, key.monthly_cost], cost)
    }

    /// Has the counters know at least of this use.
    pub(crate) fn seed(&self, key: &ProviderKey, used: KeyUse) -> Vec<Effect> {
        let owner = key.id.to_string();
        let whole = |count: u64| i64::try_from(count).unwrap_or(MOST).min(MOST);
        let mut effects = vec![
            raise(&owner, "requests", &self.day, whole(used.day_requests)),
            raise(&owner, "requests", &self.month, whole(used.month_requests)),
        ];
        effects.extend(self.seed_money(&owner, [used.day_cost, used.month_cost]));
        effects
    }
}
