//! Business hours: when people answer, in a time zone, with holidays and the change to summer time.
//!
//! A week says for each day from when to when the business is open; a date may say something else.
//! An interval is a stretch of wall-clock time. Where the clock is put back and shows a time twice,
//! it begins at the first of the two and ends at the second; where the clock skips a time, that
//! time is the moment after the gap. So no moment is counted twice, and none is lost.

use std::{collections::BTreeMap, time::Duration};

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use thiserror::Error;

/// At most so many intervals are in a day.
pub const MOST_INTERVALS: usize = 10;
/// At most so many dates have hours of their own.
pub const MOST_DATES: usize = 400;
/// How far ahead a moment is looked for, days: a business that does not open within it is closed.
const AHEAD: u32 = 400;
/// Minutes in a day.
const DAY: u16 = 24 * 60;

/// From when to when on a day, minutes after midnight. The end is exclusive; 1,440 is midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first minute.
    pub from: u16,
    /// The minute after the last one.
    pub to: u16,
}

/// Hours that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHours {
    /// An interval is not written as it has to be.
    #[error("an interval is written as `09:00-18:00`")]
    Form,
    /// An interval is empty, ends before it begins, or ends after midnight.
    #[error("an interval must end after it begins, and no later than 24:00")]
    Interval,
    /// Intervals of a day overlap or are not in order.
    #[error("the intervals of a day must be in order and must not overlap")]
    Order,
    /// A day has too many intervals.
    #[error("a day has at most {MOST_INTERVALS} intervals")]
    TooManyIntervals,
    /// Too many dates have hours of their own.
    #[error("at most {MOST_DATES} dates have hours of their own")]
    TooManyDates,
}

/// When a business is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessHours {
    zone: Tz,
    /// From Monday to Sunday.
    week: [Vec<Interval>; 7],
    /// Dates with hours of their own; a holiday has none.
    dates: BTreeMap<NaiveDate, Vec<Interval>>,
}

/// A stretch of time in which the business is open; the end is exclusive.
type Span = (DateTime<Utc>, DateTime<Utc>);

impl BusinessHours {
    /// Business hours by the clock of a time zone.
    ///
    /// # Errors
    ///
    /// [`BadHours`] for a day whose intervals make no sense, or too many of anything.
    pub fn new(
        zone: Tz,
        week: [Vec<Interval>; 7],
        dates: BTreeMap<NaiveDate, Vec<Interval>>,
    ) -> Result<Self, BadHours> {
        if dates.len() > MOST_DATES {
            return Err(BadHours::TooManyDates);
        }
        week.iter().chain(dates.values()).try_for_each(|day| check(day))?;
        Ok(Self { zone, week, dates })
    }

    /// Never closed.
    pub fn always() -> Self {
        let day = vec![Interval { from: 0, to: DAY }];
        Self { zone: Tz::UTC, week: std::array::from_fn(|_| day.clone()), dates: BTreeMap::new() }
    }

    /// The time zone.
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Is the business open at this moment?
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        // Without an end it would look through the whole year when it is closed.
        let mut begun = self.spans(at).take_while(|(from, _)| *from <= at);
        begun.any(|(_, to)| at < to)
    }

    /// When it opens next; the moment itself where it is open. `None`: not within a year.
    pub fn opens_at(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.spans(at).find(|(_, to)| at < *to).map(|(from, _)| from.max(at))
    }

    /// How much of the time between two moments it is open.
    pub fn open_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
        let parts = self.spans(from).take_while(|(opens, _)| *opens < to);
        let open: TimeDelta = parts
            .map(|(opens, closes)| (closes.min(to) - opens.max(from)).max(TimeDelta::zero()))
            .sum();
        open.to_std().unwrap_or_default()
    }

    /// The moment by which it has been open for so long since `from`. `None`: that is not within a
    /// year.
    pub fn after(&self, from: DateTime<Utc>, open: Duration) -> Option<DateTime<Utc>> {
        let mut left = TimeDelta::from_std(open).ok()?;
        if left.is_zero() {
            return Some(from);
        }
        for (opens, closes) in self.spans(from) {
            let opens = opens.max(from);
            if opens >= closes {
                continue;
            }
            if closes - opens >= left {
                return Some(opens + left);
            }
            left -= closes - opens;
        }
        None
    }

    /// The stretches in which it is open, in order and without overlap, from the day before `at`
    /// on.
    fn spans(&self, at: DateTime<Utc>) -> impl Iterator<Item = Span> {
        let today = at.with_timezone(&self.zone).date_naive();
        let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
        let days = yesterday.iter_days().take(AHEAD as usize);
        let spans = days.flat_map(|date| self.of(date).iter().map(move |part| (date, *part)));

        // Where the clock was put back, one interval may end after the next has begun.
        let spans = spans.scan(DateTime::<Utc>::MIN_UTC, |end, (date, part)| {
            let from = self.moment(date, part.from, Twice::First).max(*end);
            let to = self.moment(date, part.to, Twice::Second).max(from);
            *end = to;
            Some((from, to))
        });
        spans.filter(|(from, to)| from < to)
    }

    fn of(&self, date: NaiveDate) -> &[Interval] {
        let usual = &self.week[date.weekday().num_days_from_monday() as usize];
        self.dates.get(&date).unwrap_or(usual)
    }

    /// The moment at which the clock on the wall shows this minute of a day.
    fn moment(&self, date: NaiveDate, minute: u16, twice: Twice) -> DateTime<Utc> {
        let midnight = date.and_time(NaiveTime::MIN);
        // A gap is at most a day long: islands have changed sides of the date line.
        for skipped in 0..=i64::from(DAY) {
            let local = midnight + TimeDelta::minutes(i64::from(minute) + skipped);
            match (self.zone.from_local_datetime(&local), twice) {
                (LocalResult::Single(moment), _)
                | (LocalResult::Ambiguous(moment, _), Twice::First)
                | (LocalResult::Ambiguous(_, moment), Twice::Second) => {
                    return moment.with_timezone(&Utc);
                }
                (LocalResult::None, _) => {}
            }
        }
        midnight.and_utc()
    }
}

/// Which of the two moments at which the clock shows the same time.
#[derive(Clone, Copy)]
enum Twice {
    First,
    Second,
}

fn check(day: &[Interval]) -> Result<(), BadHours> {
    if day.len() > MOST_INTERVALS {
        return Err(BadHours::TooManyIntervals);
    }
    if day.iter().any(|part| part.from >= part.to || part.to > DAY) {
        return Err(BadHours::Interval);
    }
    let in_order = day.windows(2).all(|pair| pair[0].to <= pair[1].from);
    if in_order { Ok(()) } else { Err(BadHours::Order) }
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn clock(text: &str) -> u16 {
        let (hours, minutes) = text.split_once(':').unwrap();
        hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap()
    }

    fn day(text: &str) -> Vec<Interval> {
        let parts = text.split(' ').filter(|part| !part.is_empty());
        parts
            .map(|part| {
                let (from, to) = part.split_once('-').unwrap();
                Interval { from: clock(from), to: clock(to) }
            })
            .collect()
    }

    fn every_day(zone: Tz, hours: &str) -> BusinessHours {
        BusinessHours::new(zone, std::array::from_fn(|_| day(hours)), BTreeMap::new()).unwrap()
    }

    /// A shop in Berlin: a break at noon, half a Saturday, closed at Christmas, open on one Sunday.
    fn shop() -> BusinessHours {
        let mut week: [Vec<Interval>; 7] = std::array::from_fn(|_| day("09:00-12:30 13:30-18:00"));
        week[5] = day("10:00-14:00");
        week[6] = Vec::new();
        let dates = [("2026-12-25", ""), ("2026-12-20", "12:00-16:00")];
        let dates = dates.map(|(date, hours)| (date.parse().unwrap(), day(hours)));
        BusinessHours::new(Tz::Europe__Berlin, week, dates.into()).unwrap()
    }

    #[test]
    fn it_opens_and_closes_by_the_clock_of_its_zone() {
        let shop = shop();
        // A Monday in winter: an hour ahead of UTC.
        for (moment, open) in [
            ("2026-11-30T07:59:59Z", false),
            ("2026-11-30T08:00:00Z", true),
            ("2026-11-30T11:30:00Z", false),
            ("2026-11-30T12:30:00Z", true),
            ("2026-11-30T17:00:00Z", false),
            // In summer two.
            ("2026-07-06T07:00:00Z", true),
            ("2026-07-06T16:00:00Z", false),
            // A Sunday, the Sunday before Christmas, Christmas on a Friday.
            ("2026-11-29T11:00:00Z", false),
            ("2026-12-20T11:00:00Z", true),
            ("2026-12-25T11:00:00Z", false),
        ] {
            assert_eq!(shop.is_open(at(moment)), open, "{moment}");
        }
        assert_eq!(shop.opens_at(at("2026-11-28T13:30:00Z")), Some(at("2026-11-30T08:00:00Z")));
        assert_eq!(shop.opens_at(at("2026-11-30T08:10:00Z")), Some(at("2026-11-30T08:10:00Z")));
        assert_eq!(shop.opens_at(at("2026-12-24T17:00:00Z")), Some(at("2026-12-26T09:00:00Z")));
    }

    #[test]
    fn time_passes_only_while_it_is_open() {
        let shop = shop();
        let hour = Duration::from_hours(1);
        // Saturday 13:30, half an hour before closing: the rest comes on Monday.
        let due = shop.after(at("2026-11-28T12:30:00Z"), hour);
        assert_eq!(due, Some(at("2026-11-30T08:30:00Z")));
        // Exactly at closing is in time: nothing is left for the next day.
        let due = shop.after(at("2026-11-28T12:00:00Z"), hour);
        assert_eq!(due, Some(at("2026-11-28T13:00:00Z")));
        let week = shop.open_between(at("2026-11-30T00:00:00Z"), at("2026-12-07T00:00:00Z"));
        assert_eq!(week, 8 * hour * 5 + 4 * hour);
        assert_eq!(
            shop.open_between(at("2026-11-30T12:00:00Z"), at("2026-11-30T09:00:00Z")),
            Duration::ZERO
        );
    }

    #[test]
    fn the_night_in_which_the_clock_changes_is_as_long_as_it_is() {
        let night = every_day(Tz::Europe__Berlin, "00:00-24:00");
        let length = |from, to| night.open_between(at(from), at(to)).as_secs() / 3_600;
        assert_eq!(length("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), 23);
        assert_eq!(length("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"), 25);

        // The clock goes from 02:00 to 03:00, and in autumn from 03:00 back to 02:00.
        let bar = every_day(Tz::Europe__Berlin, "01:30-02:30");
        let open = |from, to| bar.open_between(at(from), at(to)).as_secs() / 60;
        assert_eq!(open("2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"), 30);
        assert_eq!(open("2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z"), 90);
        let skipped = every_day(Tz::Europe__Berlin, "02:10-02:50");
        assert_eq!(skipped.opens_at(at("2026-03-28T12:00:00Z")), Some(at("2026-03-30T00:10:00Z")));
        assert!(!skipped.is_open(at("2026-03-29T01:00:00Z")));

        // Two intervals that meet in the hour that comes twice share no minute.
        let both = every_day(Tz::Europe__Berlin, "01:00-02:30 02:30-04:00");
        let open = both.open_between(at("2026-10-25T00:00:00Z"), at("2026-10-25T12:00:00Z"));
        assert_eq!(open, Duration::from_hours(3), "what is left of it in UTC");
    }

    #[test]
    fn a_day_that_never_was_has_no_hours() {
        // Samoa went from the 29th to the 31st of December 2011.
        let shop = every_day(Tz::Pacific__Apia, "09:00-17:00");
        let open = shop.open_between(at("2011-12-29T10:00:00Z"), at("2012-01-01T10:00:00Z"));
        assert_eq!(open, Duration::from_hours(3 * 8), "the 29th, the 31st and the 1st");
    }

    #[test]
    fn a_business_that_never_opens_is_never_open() {
        let closed = every_day(Tz::UTC, "");
        let now = at("2026-11-30T09:00:00Z");
        assert_eq!(closed.opens_at(now), None);
        assert_eq!(closed.after(now, Duration::from_mins(1)), None);
        assert_eq!(closed.after(now, Duration::ZERO), Some(now));
        assert!(!closed.is_open(now));
        let always = BusinessHours::always();
        assert_eq!(always.after(now, Duration::from_hours(100)), Some(now + TimeDelta::hours(100)));
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        let with = |hours: Vec<Interval>| {
            let mut week: [Vec<Interval>; 7] = Default::default();
            week[2] = hours;
            BusinessHours::new(Tz::UTC, week, BTreeMap::new()).map(drop)
        };
        assert_eq!(with(day("09:00-09:00")), Err(BadHours::Interval));
        assert_eq!(with(day("10:00-09:00")), Err(BadHours::Interval));
        assert_eq!(with(vec![Interval { from: 0, to: 1_441 }]), Err(BadHours::Interval));
        assert_eq!(with(day("09:00-12:00 11:00-13:00")), Err(BadHours::Order));
        assert_eq!(with(day("14:00-15:00 09:00-10:00")), Err(BadHours::Order));
        assert_eq!(with(day("09:00-12:00 12:00-13:00")), Ok(()));
        assert_eq!(with(vec![Interval { from: 0, to: 1 }; 11]), Err(BadHours::TooManyIntervals));

        let first: NaiveDate = "2026-01-01".parse().unwrap();
        let dates = first.iter_days().take(401).map(|date| (date, Vec::new())).collect();
        let refused = BusinessHours::new(Tz::UTC, Default::default(), dates);
        assert_eq!(refused.map(drop), Err(BadHours::TooManyDates));
    }

    /// Zones with a change to summer time in either half of the year, by half an hour, and none.
    fn zones() -> impl Strategy<Value = Tz> {
        prop::sample::select(vec![
            Tz::Europe__Berlin,
            Tz::America__New_York,
            Tz::Australia__Lord_Howe,
            Tz::America__Santiago,
            Tz::Asia__Kolkata,
            Tz::UTC,
        ])
    }

    /// Up to three intervals, all by day: there the clock never changes.
    fn by_day() -> impl Strategy<Value = Vec<Interval>> {
        prop::collection::btree_set(clock("06:00")..clock("22:00"), 0..7).prop_map(|minutes| {
            let minutes: Vec<u16> = minutes.into_iter().collect();
            minutes.chunks_exact(2).map(|pair| Interval { from: pair[0], to: pair[1] }).collect()
        })
    }

    fn hours() -> impl Strategy<Value = BusinessHours> {
        let week = prop::collection::vec(by_day(), 7);
        let dates = prop::collection::btree_map(0_u64..366, by_day(), 0..5);
        (zones(), week, dates).prop_map(|(zone, week, dates)| {
            let first: NaiveDate = "2026-01-01".parse().unwrap();
            let dates = dates.into_iter().map(|(day, hours)| (first + Days::new(day), hours));
            BusinessHours::new(zone, week.try_into().unwrap(), dates.collect()).unwrap()
        })
    }

    /// What the clock on the wall says, minute by minute.
    fn shows_open(hours: &BusinessHours, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&hours.zone);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap();
        hours.of(local.date_naive()).iter().any(|part| (part.from..part.to).contains(&minute))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn they_agree_with_the_clock_on_the_wall(
            hours in hours(),
            start in 0_i64..525_600,
            length in 0_i64..20_000,
        ) {
            let from = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(start);
            let to = from + TimeDelta::minutes(length);
            let minutes = (0..length).map(|minute| from + TimeDelta::minutes(minute));
            let open: Vec<DateTime<Utc>> =
                minutes.filter(|minute| shows_open(&hours, *minute)).collect();

            let expected = Duration::from_mins(open.len() as u64);
            prop_assert_eq!(hours.open_between(from, to), expected);
            prop_assert_eq!(hours.is_open(from), shows_open(&hours, from));
            if let Some(first) = open.first() {
                prop_assert_eq!(hours.opens_at(from), Some(*first));
                // The time is up with the last minute.
                let end = hours.after(from, expected);
                prop_assert_eq!(end, open.last().map(|last| *last + TimeDelta::minutes(1)));
            }
        }

        #[test]
        fn what_is_due_after_a_time_is_due_when_that_time_was_open(
            hours in hours(),
            start in 0_i64..525_600,
            open in 1_u64..10_000,
        ) {
            let from = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(start);
            let open = Duration::from_mins(open);
            if let Some(due) = hours.after(from, open) {
                prop_assert_eq!(hours.open_between(from, due), open);
                let before = due - TimeDelta::seconds(1);
                prop_assert!(hours.open_between(from, before) < open);
            }
        }
    }
}
