//! The customers who wait for a human, and how long that takes.
//!
//! The expected wait is measured: how long those who were answered lately had waited for each place
//! in the queue that they had. It is unknown until enough of them were.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{ids::UserId, words::words};

words! {
    /// How a customer's wait for a human ended.
    WaitOutcome {
        /// An operator answers.
        Taken = "taken",
        /// The assistant answers again.
        Released = "released",
        /// The dialog is over.
        Closed = "closed",
    }
}

words! {
    /// What a customer who waits for a human is told of the wait.
    WaitNotice {
        /// Nobody has looked yet when they are to be told.
        Unplanned = "unplanned",
        /// They are told at a certain moment.
        Planned = "planned",
        /// They were told.
        Given = "given",
        /// They are told nothing.
        None = "none",
    }
}

/// What a change of control does to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueMove {
    /// The customer waits from now on.
    Entered {
        /// The operator who had the dialog until now.
        left_by: Option<UserId>,
    },
    /// The wait is over.
    Left(WaitOutcome),
}

/// A wait that an operator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedWait {
    /// The place in the queue at the beginning, from 1.
    pub place: i64,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When the operator took the dialog.
    pub ended_at: DateTime<Utc>,
}

/// How long a customer waits for each place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(TimeDelta);

impl Pace {
    /// The newest waits are measured, at most so many.
    pub const WAITS: i64 = 50;
    /// Fewer tell nothing.
    pub const LEAST: usize = 3;
    /// Older waits are not measured.
    pub const SINCE: TimeDelta = TimeDelta::hours(4);

    /// The pace of these waits; `None` when they are too few.
    pub fn of(waits: &[EndedWait]) -> Option<Self> {
        if waits.len() < Self::LEAST {
            return None;
        }
        let waited: TimeDelta = waits.iter().map(|wait| wait.ended_at - wait.began_at).sum();
        let places: i64 = waits.iter().map(|wait| wait.place.max(1)).sum();
        let each = waited.num_milliseconds().max(0) / places;
        Some(Self(TimeDelta::milliseconds(each)))
    }

    /// How long somebody waits who has this place in the queue.
    pub fn expected(self, position: i64) -> TimeDelta {
        let position = i32::try_from(position).unwrap_or(i32::MAX);
        self.0.checked_mul(position).unwrap_or(TimeDelta::MAX)
    }
}

/// Where a customer stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// From 1: nobody has waited longer.
    pub position: i64,
    /// How long it takes from here; `None` when it cannot be told.
    pub expected: Option<TimeDelta>,
}

impl QueuePlace {
    /// The place of somebody who has this position, at this pace.
    pub fn of(position: i64, pace: Option<Pace>) -> Self {
        Self { position, expected: pace.map(|pace| pace.expected(position)) }
    }

    /// The expected wait in minutes, at least 1.
    pub fn minutes(&self) -> Option<i64> {
        self.expected.map(|expected| (expected.num_seconds() + 59).div_euclid(60).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(place: i64, seconds: i64) -> EndedWait {
        let began_at = DateTime::UNIX_EPOCH;
        EndedWait { place, began_at, ended_at: began_at + TimeDelta::seconds(seconds) }
    }

    #[test]
    fn the_wait_is_measured_per_place_and_unknown_from_too_few() {
        assert_eq!(Pace::of(&[]), None);
        assert_eq!(Pace::of(&[wait(1, 60), wait(1, 60)]), None);

        let pace = Pace::of(&[wait(1, 60), wait(2, 200), wait(3, 340)]);
        let second = QueuePlace::of(2, pace);
        assert_eq!(second.expected, Some(TimeDelta::seconds(200)));
        assert_eq!(second.minutes(), Some(4));
        assert_eq!(QueuePlace::of(2, None).minutes(), None);
    }

    #[test]
    fn no_wait_is_shorter_than_nothing_or_beyond_all_bounds() {
        let pace = Pace::of(&[wait(1, -5), wait(0, -5), wait(1, -5)]);
        assert_eq!(QueuePlace::of(1, pace).minutes(), Some(1));
        let slow = Pace::of(&[wait(1, 86_400), wait(1, 86_400), wait(1, 86_400)]).unwrap();
        assert!(slow.expected(i64::MAX) > TimeDelta::days(365));
    }
}
