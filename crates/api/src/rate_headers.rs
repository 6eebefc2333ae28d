//! What is left of a limit, as headers tell it (the `RateLimit` fields of the IETF draft).

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use replyx_live::RemainingQuota;

/// The limits that a request counted against, and what is left of each.
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// The numbers of these limits.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

fn policy(left: &RemainingQuota) -> String {
    let rate = left.rate();
    format!("\"{}\";q={};w={}", left.name(), rate.count, rate.per.as_secs())
}

fn state(left: &RemainingQuota) -> String {
    let spent = left.spent();
    let reset = spent.reset.as_millis().div_ceil(1000);
    format!("\"{}\";r={};t={reset}", left.name(), spent.left)
}

/// Writes the limits that a request counted against. An answer that tells of a limit already (the
/// one that refused it) keeps what it says.
pub(crate) fn write(limits: &[RemainingQuota], headers: &mut HeaderMap) {
    if limits.is_empty() || headers.contains_key(&LEFT) {
        return;
    }
    let policies: Vec<String> = limits.iter().map(policy).collect();
    let states: Vec<String> = limits.iter().map(state).collect();
    for (name, values) in [(POLICY, policies), (LEFT, states)] {
        if let Ok(value) = HeaderValue::from_str(&values.join(", ")) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use replyx_core::setting::{self, RateSetting};
    use replyx_live::{Permit, Quota, Spent};

    use super::*;

    fn left(setting: &'static str, count: u32, window: u64, permit: Permit) -> RemainingQuota {
        let rate = RateSetting { per: Duration::from_secs(window), count };
        let spent = Spent { permit, left: count - 1, reset: Duration::from_millis(50) };
        RemainingQuota::new(&Quota { setting, rate, key: "" }, spent)
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
    fn other_limits_do_not_hide_the_one_that_refused() {
        let wait = Duration::from_millis(26_100);
        let upload = left(setting::RATE_UPLOAD, 10, 300, Permit::Wait(wait));
        let mut headers = HeaderMap::new();
        write(&[upload], &mut headers);
        write(&[left(setting::RATE_USER, 1200, 60, Permit::Granted)], &mut headers);
        assert_eq!(headers["ratelimit-policy"], r#""upload";q=10;w=300"#);
    }
}
