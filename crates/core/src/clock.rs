//! Where time, new ids and random bytes come from.
//!
//! A [`Clock`] is passed to whatever needs one; nothing asks the system behind its back (clippy
//! forbids it). Tests hold a [`Clock::manual`] and turn its hands themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::Rng;

use crate::ids::Id;

/// The source of time and chance. Cheap to clone; clones of a manual clock share their hands.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's clock, and by how much it is corrected, microseconds.
    System(Arc<AtomicI64>),
    Manual(Arc<AtomicI64>),
}

impl Default for Source {
    fn default() -> Self {
        Self::System(Arc::default())
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// The time, truncated to microseconds: what both databases can store without loss.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System(offset) => {
                let offset = TimeDelta::microseconds(offset.load(Ordering::Relaxed));
                Utc::now().trunc_subsecs(6) + offset
            }
            Source::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Corrects the machine's clock by this much, forward or back, in all clones: several processes
    /// that share a database go by its clock. A manual clock ignores this.
    pub fn correct(&self, by: TimeDelta) {
        if let Source::System(offset) = &self.0 {
            offset.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        }
    }

    /// Moves a manual clock forward. The system's clock moves by itself and ignores this.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// A new id that sorts after those made in earlier milliseconds.
    pub fn id<T: Id>(&self) -> T {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let chance: [u8; 10] = Self::bytes();
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid())
    }

    /// Random bytes from the operating system's generator, fit for keys and secrets.
    pub fn bytes<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }
}

/// A random lower-case hexadecimal word of `2 * N` characters, for secrets that stand in URLs.
pub fn random_hex<const N: usize>() -> String {
    use std::fmt::Write;
    Clock::bytes::<N>().iter().fold(String::with_capacity(2 * N), |mut word, byte| {
        let _ = write!(word, "{byte:02x}");
        word
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MessageId;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let twin = clock.clone();
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        clock.advance(Duration::from_millis(1500));
        assert_eq!(twin.now().timestamp_millis(), 1500);
    }

    #[test]
    fn a_corrected_clock_differs_from_the_machines_and_a_manual_one_does_not() {
        let clock = Clock::system();
        let twin = clock.clone();
        clock.correct(TimeDelta::hours(2));
        clock.correct(TimeDelta::hours(-1));
        let ahead = twin.now() - Clock::system().now();
        assert!((TimeDelta::minutes(59)..TimeDelta::minutes(61)).contains(&ahead), "{ahead}");
        let manual = Clock::manual(DateTime::UNIX_EPOCH);
        manual.correct(TimeDelta::hours(1));
        assert_eq!(manual.now(), DateTime::UNIX_EPOCH);
    }

    #[test]
    fn ids_sort_by_the_time_of_their_making() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let first: MessageId = clock.id();
        clock.advance(Duration::from_millis(1));
        let second: MessageId = clock.id();
        assert!(first < second);
        assert_eq!(first.into_uuid().get_version_num(), 7);
    }
}
