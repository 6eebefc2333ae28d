//! When turns are due, as far as this process was told.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

/// How long the database is not asked at most. A little less than the longest sleep, so that who
/// has slept as long as that asks.
const UNASKED: Duration = Duration::from_millis(900);
/// No more times than this are kept: with more, and in a process that takes on no turns, the
/// database is asked.
const MOST: usize = 10_000;

/// When turns are due. What was told is all there is to know, until something becomes due of which
/// nobody said when.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Each time, and how many turns are due then.
    due: BTreeMap<DateTime<Utc>, usize>,
    /// When the database was asked last, unless it is to be asked again.
    asked: Option<Instant>,
}

/// What is known of the next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTurn {
    /// So many are due, unless some were put off.
    Due(usize),
    /// None is due before then.
    At(Option<DateTime<Utc>>),
    /// The database knows.
    Unknown,
}

impl Agenda {
    /// Turns will be due at these times; without any, it is not known when.
    pub(super) fn add(&mut self, due: &[DateTime<Utc>]) {
        for due in due {
            *self.due.entry(*due).or_default() += 1;
        }
        if due.is_empty() || self.due.len() > MOST {
            self.due.clear();
            self.asked = None;
        }
    }

    /// What is known now. Whatever was due until now is forgotten: the caller takes it on, or says
    /// [`Self::add`] of what it could not take.
    pub(super) fn next(&mut self, now: DateTime<Utc>) -> NextTurn {
        let is_due = |(due, _): &(&DateTime<Utc>, &usize)| **due <= now;
        let count = self.due.iter().take_while(is_due).map(|(_, turns)| turns).sum();
        self.due.retain(|due, _| *due > now);
        if self.asked.is_none_or(|asked| asked.elapsed() >= UNASKED) {
            self.asked = Some(Instant::now());
            return NextTurn::Unknown;
        }
        if count > 0 {
            return NextTurn::Due(count);
        }
        NextTurn::At(self.due.first_key_value().map(|(due, _)| *due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    #[test]
    fn the_database_is_asked_when_nobody_said_what_is_due() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.next(at(0)), NextTurn::Unknown, "at the beginning");
        assert_eq!(agenda.next(at(0)), NextTurn::At(None));

        agenda.add(&[at(5), at(3), at(5), at(9)]);
        assert_eq!(agenda.next(at(2)), NextTurn::At(Some(at(3))));
        assert_eq!(agenda.next(at(5)), NextTurn::Due(3));
        assert_eq!(agenda.next(at(5)), NextTurn::At(Some(at(9))), "they were taken on");

        agenda.add(&[]);
        assert_eq!(agenda.next(at(9)), NextTurn::Unknown);
        assert_eq!(agenda.next(at(9)), NextTurn::At(None), "the database was asked for all");
    }

    #[test]
    fn times_that_nobody_takes_are_bounded() {
        let mut agenda = Agenda::default();
        agenda.next(at(0));
        let most = i64::try_from(MOST).expect("a number");
        for second in 0..3 * most {
            agenda.add(&[at(second)]);
            assert!(agenda.due.len() <= MOST);
        }
        assert_eq!(agenda.next(at(0)), NextTurn::Unknown);
    }

    #[test]
    fn who_was_told_nothing_for_long_asks() {
        let mut agenda = Agenda::default();
        agenda.next(at(0));
        agenda.asked = Instant::now().checked_sub(UNASKED);
        assert_eq!(agenda.next(at(0)), NextTurn::Unknown);
    }
}
