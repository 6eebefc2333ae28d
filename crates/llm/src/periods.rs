//! Counters of a day and of a month.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use replyx_core::money::Money;
use replyx_live::{Effect, Gate};

/// A counter is raised to this at most: beyond it the numbers of Redis are not exact.
pub(crate) const MOST: i64 = 1 << 52;

/// The day and the month (UTC) in which money is spent or a key is used. Each has its own counters,
/// which end with it.
pub(crate) struct Periods {
    pub(crate) day: Period,
    pub(crate) month: Period,
}

pub(crate) struct Period {
    name: String,
    pub(crate) left: Duration,
}

impl Periods {
    pub(crate) fn at(now: DateTime<Utc>) -> Self {
        let today = now.date_naive();
        let left = |end: Option<NaiveDate>| {
            let end = end.and_then(|end| end.and_hms_opt(0, 0, 0)).map(|end| end.and_utc());
            let left = end.map_or(0, |end| (end - now).num_seconds());
            Duration::from_secs(u64::try_from(left).unwrap_or(0) + 1)
        };
        let first = today.with_day(1).unwrap_or(today);
        Self {
            day: Period {
                name: today.format("%Y-%m-%d").to_string(),
                left: left(today.checked_add_days(Days::new(1))),
            },
            month: Period {
                name: today.format("%Y-%m").to_string(),
                left: left(first.checked_add_months(Months::new(1))),
            },
        }
    }

    /// What an owner of money must pass for a call of at most this cost, which is set aside until
    /// the call has ended. `most` is for the day and for the month.
    pub(crate) fn hold(&self, owner: &str, most: [Option<Money>; 2], cost: Money) -> [Gate; 2] {
        let gate = |period: &Period, most: Option<Money>| Gate::Hold {
            key: counter(owner, "cost", period),
            by: cost.micros(),
            most: most.map(Money::micros),
            ttl: period.left,
        };
        let [daily, monthly] = most;
        [gate(&self.day, daily), gate(&self.month, monthly)]
    }

    /// Has the counters know at least of what was spent today and this month.
    pub(crate) fn seed_money(&self, owner: &str, spent: [Money; 2]) -> [Effect; 2] {
        let micros = |cost: Money| cost.micros().clamp(0, MOST);
        let [today, this_month] = spent;
        [
            raise(owner, "cost", &self.day, micros(today)),
            raise(owner, "cost", &self.month, micros(this_month)),
        ]
    }
}

pub(crate) fn raise(owner: &str, what: &str, period: &Period, to: i64) -> Effect {
    Effect::Raise { key: counter(owner, what, period), to, ttl: period.left }
}

pub(crate) fn counter(owner: &str, what: &str, period: &Period) -> String {
    format!("key:{owner}:{what}:{}", period.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_and_a_month_with_its_last_day() {
        for (now, day, month) in [
            ("2026-02-28T23:59:50Z", 11, 11),
            ("2028-02-28T00:00:00Z", 86_401, 2 * 86_400 + 1),
            ("2026-12-31T12:00:00Z", 43_201, 43_201),
            ("2026-01-31T00:00:00Z", 86_401, 86_401),
        ] {
            let periods = Periods::at(now.parse().unwrap());
            assert_eq!(periods.day.left.as_secs(), day, "{now}");
            assert_eq!(periods.month.left.as_secs(), month, "{now}");
            assert_eq!(periods.day.name, now[..10]);
            assert_eq!(periods.month.name, now[..7]);
        }
    }
}
