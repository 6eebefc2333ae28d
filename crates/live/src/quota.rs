//! Limits that people know by name: the settings that admins change. An answer says what is left of
//! them, and a refusal names the one that is used up.

use std::{fmt, time::Duration};

use replyx_core::setting::RateSetting;

use crate::{Limit, Spent};

/// A named limit, kept for one key: a user, an address, a mailbox.
#[derive(Clone, Copy, Debug)]
pub struct Quota<'k> {
    /// The setting that holds the limit.
    pub setting: &'static str,
    /// What it allows now.
    pub rate: RateSetting,
    /// For whom it is kept.
    pub key: &'k str,
}

impl Quota<'_> {
    pub(crate) fn limit(&self) -> Limit {
        let Self { setting, rate, key } = self;
        // A limit that was changed starts again.
        let key = format!("{setting}:{}:{}:{key}", rate.count, rate.per.as_secs());
        Limit { key, rate: (*rate).into() }
    }
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug)]
pub struct RemainingQuota {
    /// The setting that holds the limit.
    setting: &'static str,
    rate: RateSetting,
    spent: Spent,
}

impl RemainingQuota {
    /// After one request.
    pub const fn new(quota: &Quota<'_>, spent: Spent) -> Self {
        Self { setting: quota.setting, rate: quota.rate, spent }
    }

    /// The limit's name, as headers and problems tell it.
    pub fn name(&self) -> &'static str {
        self.setting.strip_prefix("rate_").unwrap_or(self.setting)
    }

    /// What the limit allows.
    pub const fn rate(&self) -> RateSetting {
        self.rate
    }

    /// What was spent of it, and when it is whole again.
    pub const fn spent(&self) -> Spent {
        self.spent
    }
}

/// Why a caller has to wait.
#[derive(Clone, Debug)]
pub struct TooMany {
    /// How long.
    pub wait: Duration,
    /// The limit that was exceeded, if it is one of those that are settings; several when they are
    /// kept together.
    pub limits: Vec<RemainingQuota>,
}

impl TooMany {
    /// The refusal of one of these limits.
    pub const fn of(wait: Duration, limits: Vec<RemainingQuota>) -> Self {
        Self { wait, limits }
    }
}

impl From<Duration> for TooMany {
    fn from(wait: Duration) -> Self {
        Self { wait, limits: Vec::new() }
    }
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many requests: ")?;
        for (limit, number) in self.limits.iter().zip(0..) {
            let or = if number == 0 { "" } else { "or " };
            let RateSetting { count, per } = limit.rate;
            let requests = if count == 1 { "request" } else { "requests" };
            let window = in_words(per);
            let name = limit.name();
            write!(f, "{or}the limit `{name}` allows {count} {requests} in {window}; ")?;
        }
        write!(f, "try again in {}", in_words(self.wait))
    }
}

impl std::error::Error for TooMany {}

/// A time in the largest unit that it is a multiple of, rounded up to whole seconds.
fn in_words(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000).max(1);
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fits = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = fits.unwrap_or((1, "second"));
    let number = seconds / unit;
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use replyx_core::setting;

    use super::*;
    use crate::Permit;

    #[test]
    fn a_refusal_names_its_limit() {
        let wait = Duration::from_millis(26_100);
        let rate = RateSetting { count: 10, per: Duration::from_mins(5) };
        let quota = Quota { setting: setting::RATE_UPLOAD, rate, key: "a" };
        let spent = Spent { permit: Permit::Wait(wait), left: 0, reset: wait };
        let refusal = TooMany::of(wait, vec![RemainingQuota::new(&quota, spent)]);
        assert_eq!(
            refusal.to_string(),
            "too many requests: the limit `upload` allows 10 requests in 5 minutes; try again in 27 seconds"
        );

        let locked = TooMany::from(Duration::from_mins(15));
        assert_eq!(locked.to_string(), "too many requests: try again in 15 minutes");
    }
}
