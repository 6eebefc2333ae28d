//! Business hours as an owner writes them, and how a customer is told when people are back.

use std::{cmp::Ordering, collections::BTreeMap};

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Language;
use crate::{
    hours::{BadHours, BusinessHours, Interval},
    words::words,
};

words! {
    /// A day of the week.
    Day {
        /// Monday.
        Monday = "mon",
        /// Tuesday.
        Tuesday = "tue",
        /// Wednesday.
        Wednesday = "wed",
        /// Thursday.
        Thursday = "thu",
        /// Friday.
        Friday = "fri",
        /// Saturday.
        Saturday = "sat",
        /// Sunday.
        Sunday = "sun",
    }
}

/// From Monday to Sunday.
impl Ord for Day {
    fn cmp(&self, other: &Self) -> Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl PartialOrd for Day {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// When people answer, by the clock of the assistant's time zone. An interval is written as
/// `09:00-18:00`; its end is exclusive and may be `24:00`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpeningHours {
    /// The intervals of each day of the week, in order; a day that is left out has none.
    pub week: BTreeMap<Day, Vec<String>>,
    /// Dates with intervals of their own; a holiday has none.
    pub dates: BTreeMap<NaiveDate, Vec<String>>,
}

impl OpeningHours {
    /// Whether the hours make sense, in whatever zone.
    ///
    /// # Errors
    ///
    /// [`BadHours`] says what of them cannot be.
    pub fn check(&self) -> Result<(), BadHours> {
        self.in_zone(Tz::UTC).map(drop)
    }

    /// The hours by the clock of this zone.
    ///
    /// # Errors
    ///
    /// [`BadHours`] says what of it cannot be.
    pub fn in_zone(&self, zone: Tz) -> Result<BusinessHours, BadHours> {
        let mut week: [Vec<Interval>; 7] = Default::default();
        for (day, intervals) in &self.week {
            week[*day as usize] = read(intervals)?;
        }
        let dates = self.dates.iter().map(|(date, intervals)| Ok((*date, read(intervals)?)));
        BusinessHours::new(zone, week, dates.collect::<Result<_, BadHours>>()?)
    }
}

fn read(intervals: &[String]) -> Result<Vec<Interval>, BadHours> {
    let interval = |text: &String| {
        let (from, to) = text.split_once('-')?;
        Some(Interval { from: minute(from)?, to: minute(to)? })
    };
    intervals.iter().map(|text| interval(text).ok_or(BadHours::Form)).collect()
}

/// The minute of the day that `09:30` stands for.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let is_plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let hours = number(hours)?;
    let minutes = number(minutes)?;
    (minutes < 60).then_some(hours * 60 + minutes)
}

/// Says when people are back, to be put behind "will write to you": by the clock of the zone.
pub(super) fn from_when(
    opens: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Tz,
    language: Language,
) -> String {
    let opens = opens.with_timezone(&zone);
    let today = now.with_timezone(&zone).date_naive();
    let date = opens.date_naive();
    let clock = opens.format("%H:%M");
    let is_tomorrow = today.checked_add_days(Days::new(1)) == Some(date);

    match language {
        Language::English if date == today => format!("today after {clock}"),
        Language::English if is_tomorrow => format!("tomorrow after {clock}"),
        Language::English => format!("on {} after {clock}", opens.format("%A, %B %-d,")),
        Language::Russian if date == today => format!("сегодня после {clock}"),
        Language::Russian if is_tomorrow => format!("завтра после {clock}"),
        Language::Russian => {
            let day = DAYS[date.weekday().num_days_from_monday() as usize];
            let month = MONTHS[date.month0() as usize];
            format!("{day}, {} {month}, после {clock}", date.day())
        }
    }
}

const DAYS: [&str; 7] = [
    "в понедельник",
    "во вторник",
    "в среду",
    "в четверг",
    "в пятницу",
    "в субботу",
    "в воскресенье",
];
const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assistant::{AssistantSettings, FixedText};

    fn shop() -> OpeningHours {
        serde_json::from_value(json!({
            "week": {"mon": ["09:00-12:30", "13:30-18:00"], "fri": ["22:00-24:00"]},
            "dates": {"2026-12-28": [], "2026-12-29": ["10:00-11:00"]},
        }))
        .unwrap()
    }

    fn settings() -> AssistantSettings {
        let mut settings = AssistantSettings::new("Support".to_owned(), Language::English);
        settings.time_zone = "Europe/Berlin".to_owned();
        settings.hours = Some(shop());
        settings
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn hours_are_read_and_written_as_an_owner_says_them() {
        let hours = shop();
        let written = serde_json::to_value(&hours).unwrap();
        assert_eq!(serde_json::from_value::<OpeningHours>(written).unwrap(), hours);

        let hours = hours.in_zone("Europe/Berlin".parse().unwrap()).unwrap();
        assert!(hours.is_open(at("2026-12-21T08:00:00Z")), "nine o'clock in Berlin");
        assert!(!hours.is_open(at("2026-12-21T12:00:00Z")), "the break");
        assert!(hours.is_open(at("2026-12-25T22:59:00Z")), "a minute before midnight");
        assert!(!hours.is_open(at("2026-12-28T09:00:00Z")), "a holiday");
    }

    #[test]
    fn hours_that_cannot_be_are_refused() {
        for (interval, expected) in [
            ("9-18", BadHours::Form),
            ("9:00-18:00", BadHours::Form),
            ("09:60-18:00", BadHours::Form),
            ("+9:00-18:00", BadHours::Form),
            ("09:00", BadHours::Form),
            ("18:00-09:00", BadHours::Interval),
            ("09:00-24:01", BadHours::Interval),
        ] {
            let week = [(Day::Sunday, vec![interval.to_owned()])].into();
            let hours = OpeningHours { week, ..OpeningHours::default() };
            assert_eq!(hours.in_zone(Tz::UTC), Err(expected), "{interval}");
        }
    }

    #[test]
    fn outside_its_hours_a_handoff_says_when_people_are_back() {
        let mut settings = settings();
        let say = |settings: &AssistantSettings, language, now| settings.handoff(language, at(now));
        let english = Language::English;
        let usual = FixedText::Handoff.house(english);
        assert_eq!(say(&settings, english, "2026-12-21T08:00:00Z"), usual, "open");

        for (now, english, russian) in [
            ("2026-12-21T07:59:00Z", "today after 09:00", "сегодня после 09:00"),
            ("2026-12-20T23:30:00Z", "today after 09:00", "сегодня после 09:00"),
            ("2026-12-20T12:00:00Z", "tomorrow after 09:00", "завтра после 09:00"),
            (
                "2026-12-25T23:00:00Z",
                "on Tuesday, December 29, after 10:00",
                "во вторник, 29 декабря, после 10:00",
            ),
        ] {
            let said = say(&settings, Language::English, now);
            assert!(said.contains(english) && !said.contains('{'), "{now}: {said}");
            let said = say(&settings, Language::Russian, now);
            assert!(said.contains(russian) && !said.contains('{'), "{now}: {said}");
        }

        let texts = json!({"en": {"after_hours": "Back {when}. Really, {when}."}});
        settings.texts = serde_json::from_value(texts).unwrap();
        assert_eq!(
            say(&settings, Language::English, "2026-12-21T07:59:00Z"),
            "Back today after 09:00. Really, today after 09:00."
        );

        settings.hours = Some(OpeningHours::default());
        assert_eq!(
            say(&settings, Language::English, "2026-12-21T07:59:00Z"),
            usual,
            "it never opens"
        );
        settings.hours = None;
        assert_eq!(say(&settings, Language::English, "2026-12-20T12:00:00Z"), usual);
    }
}
