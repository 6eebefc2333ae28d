//! The six digits that confirm an e-mail address.

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    secret::{Keys, keyed_hash, same},
};

/// For how long a code is good, minutes.
pub(crate) const MINUTES: u32 = 15;
/// How many wrong codes are borne.
pub(crate) const TRIES: i64 = 5;

/// A new code, each as likely as any other.
pub(crate) fn new() -> String {
    // The largest multiple of a million below 2^32: beyond it some codes would come more often.
    const FAIR: u32 = u32::MAX / 1_000_000 * 1_000_000;
    loop {
        let chance = u32::from_le_bytes(Clock::bytes());
        if chance < FAIR {
            return format!("{:06}", chance % 1_000_000);
        }
    }
}

/// When a code that is made now ends.
pub(crate) fn end(now: DateTime<Utc>) -> DateTime<Utc> {
    now + chrono::Duration::minutes(MINUTES.into())
}

/// What is stored of a code: under a key of ours, because a million bare hashes are soon tried.
pub(crate) fn hash(keys: &Keys, email: &str, code: &str) -> String {
    keyed_hash(&keys.key("confirmation-code"), &format!("{email}:{code}"))
}

/// Is it the code that this was made of? Also under a key of earlier times.
pub(crate) fn fits(keys: &Keys, email: &str, code: &str, stored: &str) -> bool {
    let text = format!("{email}:{code}");
    let keys = keys.keys("confirmation-code");
    keys.iter().fold(false, |fits, key| fits | same(&keyed_hash(key, &text), stored))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn codes_are_six_digits_and_fit_only_their_address() {
        let master = SecretString::from("0123456789abcdef0123456789abcdef");
        let keys = Keys::derive(&master).unwrap();
        let codes: std::collections::HashSet<String> = (0..200).map(|_| new()).collect();
        assert!(codes.len() > 190, "chance repeats itself");
        for code in &codes {
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        }
        let stored = hash(&keys, "a@example.org", "012345");
        assert!(fits(&keys, "a@example.org", "012345", &stored));
        assert!(!fits(&keys, "b@example.org", "012345", &stored));
        assert!(!fits(&keys, "a@example.org", "012346", &stored));
        assert!(!stored.contains("012345"));
        let later = SecretString::from("another-master-key-of-32-characters!");
        let ring = Keys::ring(&later, &[master]).unwrap();
        assert!(fits(&ring, "a@example.org", "012345", &stored), "an earlier key");
        assert!(!fits(&Keys::derive(&later).unwrap(), "a@example.org", "012345", &stored));
    }
}
