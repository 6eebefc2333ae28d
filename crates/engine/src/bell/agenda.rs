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
    /// From when on there may be turns that the database did not tell of.
    told_until: Option<DateTime<Utc>>,
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

/// How much the database has told of the turns that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All.
    All,
    /// The first ones; there may be more.
    First,
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

    /// The database says when turns are due: these times, in order, and whether there are more.
    pub(super) fn learn(
        &mut self,
        due: &[DateTime<Utc>],
        told: Coverage,
        now: DateTime<Utc>,
    ) -> NextTurn {
        let count = due.iter().take_while(|due| **due <= now).count();
        let later = &due[count..];
        if !later.is_empty() {
            self.add(later);
        }
        self.told_until = due.last().copied().filter(|_| told == Coverage::First);
        if count > 0 { NextTurn::Due(count) } else { NextTurn::At(later.first().copied()) }
    }

    /// What is known now. Whatever was due until now is forgotten: the caller takes it on, or says
    /// [`Self::add`] of what it could not take. Of what is [`NextTurn::Unknown`] the database knows
    /// all, and the caller says it to [`Self::learn`].
    pub(super) fn next(&mut self, now: DateTime<Utc>) -> NextTurn {
        let is_due = |(due, _): &(&DateTime<Utc>, &usize)| **due <= now;
        let count = self.due.iter().take_while(is_due).map(|(_, turns)| turns).sum();
        self.due.retain(|due, _| *due > now);
        let is_told = self.told_until.is_none_or(|until| now < until);
        if !is_told || self.asked.is_none_or(|asked| asked.elapsed() >= UNASKED) {
            // What was told before was committed, so the database tells of it again. What is told
            // from here on may be counted twice; then one more claim finds nothing.
            self.due.clear();
            self.told_until = None;
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
    fn all_that_the_database_told_of_is_known() {
        let mut agenda = Agenda::default();
        agenda.add(&[at(7)]);
        assert_eq!(agenda.next(at(0)), NextTurn::Unknown);
        let learned = agenda.learn(&[at(0), at(3), at(5), at(7)], Coverage::All, at(0));
        assert_eq!(learned, NextTurn::Due(1));
        assert_eq!(agenda.next(at(3)), NextTurn::Due(1), "not counted twice");
        assert_eq!(agenda.next(at(4)), NextTurn::At(Some(at(5))));
        assert_eq!(agenda.next(at(7)), NextTurn::Due(2));
        assert_eq!(agenda.next(at(9)), NextTurn::At(None));
    }

    #[test]
    fn the_database_is_asked_again_where_it_told_only_of_the_first_turns() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.next(at(0)), NextTurn::Unknown);
        let learned = agenda.learn(&[at(3), at(5)], Coverage::First, at(0));
        assert_eq!(learned, NextTurn::At(Some(at(3))));
        assert_eq!(agenda.next(at(3)), NextTurn::Due(1));
        assert_eq!(agenda.next(at(4)), NextTurn::At(Some(at(5))));
        assert_eq!(agenda.next(at(5)), NextTurn::Unknown, "there may be more than one");
        assert_eq!(agenda.learn(&[], Coverage::All, at(5)), NextTurn::At(None));
        assert_eq!(agenda.next(at(6)), NextTurn::At(None));
    }

    #[test]
    fn who_was_told_nothing_for_long_asks() {
        let mut agenda = Agenda::default();
        agenda.next(at(0));
        agenda.asked = Instant::now().checked_sub(UNASKED);
        assert_eq!(agenda.next(at(0)), NextTurn::Unknown);
    }
}
