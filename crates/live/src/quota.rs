//! What is left of a limit, and the refusal of a caller that has exceeded one.

use std::{fmt, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use replyx_live::{Rate, Spent};

/// The limits that a request counted against, and what is left of each.
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// The numbers of these limits.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// The setting that holds the limit.
    setting: &'static str,
    count: u32,
    window: Duration,
    spent: Spent,
}

impl Left {
    /// After one request.
    pub(super) const fn new(setting: &'static str, rate: Rate, spent: Spent) -> Self {
        Self { setting, count: rate.count, window: rate.per, spent }
    }

    /// The limit's name, as headers and problems tell it.
    fn name(&self) -> &'static str {
        self.setting.strip_prefix("rate_").unwrap_or(self.setting)
    }

    fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name(), self.count, self.window.as_secs())
    }

    fn state(&self) -> String {
        let reset = self.spent.reset.as_millis().div_ceil(1000);
        format!("\"{}\";r={};t={reset}", self.name(), self.spent.left)
    }
}

/// Writes the limits that a request counted against. An answer that tells of a limit already (the one that refused it)
/// keeps what it says.
pub(crate) fn write(limits: &[Left], headers: &mut HeaderMap) {
    if limits.is_empty() || headers.contains_key(&LEFT) {
        return;
    }
    let policies: Vec<String> = limits.iter().map(Left::policy).collect();
    let states: Vec<String> = limits.iter().map(Left::state).collect();
    for (name, values) in [(POLICY, policies), (LEFT, states)] {
        if let Ok(value) = HeaderValue::from_str(&values.join(", ")) {
            headers.insert(name, value);
        }
    }
}

/// Why a caller has to wait.
#[derive(Clone, Debug)]
pub struct TooMany {
    /// How long.
    pub wait: Duration,
    /// The limit that was exceeded, if it is one of those that are settings; several when they are kept together.
    limits: Vec<Left>,
}

impl TooMany {
    /// The refusal of one of these limits.
    pub(super) const fn of(wait: Duration, limits: Vec<Left>) -> Self {
        Self { wait, limits }
    }

    /// Writes the limit that refused.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        write(&self.limits, headers);
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
            let requests = if limit.count == 1 { "request" } else { "requests" };
            let window = in_words(limit.window);
            let name = limit.name();
            write!(f, "{or}the limit `{name}` allows {} {requests} in {window}; ", limit.count)?;
        }
        write!(f, "try again in {}", in_words(self.wait))
    }
}

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
    use replyx_live::Permit;

    use super::*;

    fn left(setting: &'static str, count: u32, window: u64, permit: Permit) -> Left {
        let rate = Rate { per: Duration::from_secs(window), count, burst: count };
        let spent = Spent { permit, left: count - 1, reset: Duration::from_millis(50) };
        Left::new(setting, rate, spent)
    }

    #[test]
    fn all_limits_of_a_request_are_told_in_the_form_of_the_draft() {
        let user = left(setting::RATE_USER, 1200, 60, Permit::Granted);
        let upload = left(setting::RATE_UPLOAD, 10, 300, Permit::Granted);
        let mut headers = HeaderMap::new();
        write(&[user, upload], &mut headers);
        assert_eq!(headers["ratelimit-policy"], r#""user";q=1200;w=60, "upload";q=10;w=300"#);
        assert_eq!(headers["ratelimit"], r#""user";r=1199;t=1, "upload";r=9;t=1"#);
    }

    #[test]
    fn a_refusal_names_its_limit_and_other_limits_do_not_hide_it() {
        let wait = Duration::from_millis(26_100);
        let upload = left(setting::RATE_UPLOAD, 10, 300, Permit::Wait(wait));
        let refusal = TooMany::of(wait, vec![upload]);
        assert_eq!(
            refusal.to_string(),
            "too many requests: the limit `upload` allows 10 requests in 5 minutes; try again in 27 seconds"
        );
        let mut headers = HeaderMap::new();
        refusal.write(&mut headers);
        write(&[left(setting::RATE_USER, 1200, 60, Permit::Granted)], &mut headers);
        assert_eq!(headers["ratelimit-policy"], r#""upload";q=10;w=300"#);
        let locked = TooMany::from(Duration::from_mins(15));
        assert_eq!(locked.to_string(), "too many requests: try again in 15 minutes");
    }
}
