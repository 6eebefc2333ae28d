//! Dates and times in English and Russian writing.

use std::ops::Range;

use super::numbers::pattern;

/// A date as far as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Date {
    /// The year, if told.
    pub(crate) year: Option<i32>,
    /// The month, 1 to 12.
    pub(crate) month: u32,
    /// The day, if told.
    pub(crate) day: Option<u32>,
}

impl Date {
    /// Is this told by the other? What one of them leaves open does not divide them, except the
    /// day.
    pub(crate) fn agrees(self, source: Self) -> bool {
        let years = self.year.is_none() || source.year.is_none() || self.year == source.year;
        let days = self.day.is_none() || self.day == source.day;
        self.month == source.month && days && years
    }
}

const MONTHS: [&str; 12] = [
    "jan|января?|январе|янв",
    "feb|февраля?|февраль|феврале|фев",
    "mar|марта?|марте|мар",
    "apr|апреля?|апрель|апреле|апр",
    "may|мая|май|мае",
    "jun|июня?|июнь|июне",
    "jul|июля?|июль|июле",
    "aug|августа?|августе|авг",
    "sep|сентября?|сентябрь|сентябре|сен",
    "oct|октября?|октябрь|октябре|окт",
    "nov|ноября?|ноябрь|ноябре|ноя",
    "dec|декабря?|декабрь|декабре|дек",
];

macro_rules! month {
    () => {
        r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|январ[ьяе]|феврал[ьяе]|март[ае]?|апрел[ьяе]|ма[йяе]|июн[ьяе]|июл[ьяе]|август[ае]?|сентябр[ьяе]|октябр[ьяе]|ноябр[ьяе]|декабр[ьяе]|янв|фев|мар|апр|авг|сент?|окт|ноя|дек)\b\.?"
    };
}

pattern!(ISO, r"\b(\d{4})[-./](\d{1,2})[-./](\d{1,2})\b");
pattern!(NUMERIC, r"\b(\d{1,2})([./-])(\d{1,2})([./-])(\d{4}|\d{2})\b");
pattern!(DAY_MONTH, r"\b(\d{1,2})\.(\d{2})\b");
pattern!(
    DAY_NAMED,
    concat!(
        r"(?i)\b(?:(\d{1,2})(?:-?(?:го|е|st|nd|rd|th))?(?:\s?[-–—]\s?|\s(?:по|до|и|to|till|until|through|and)\s))?(\d{1,2})(?:-?(?:го|е|st|nd|rd|th))?\s(?:of\s)?",
        month!(),
        r"(?:,?\s(\d{4})\b)?"
    )
);
pattern!(
    NAMED_DAY,
    concat!(
        r"(?i)\b",
        month!(),
        r"\s(?:(\d{1,2})(?:st|nd|rd|th)?(?:\s?[-–—]\s?|\s(?:to|till|until|through|and)\s))?(\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s(\d{4})\b)?"
    )
);
pattern!(NAMED_YEAR, concat!(r"(?i)\b", month!(), r",?\s(\d{4})\b"));
pattern!(
    CLOCK,
    r"(?i)\b([01]?\d|2[0-4])[:.]([0-5]\d)(?::[0-5]\d)?(?:\s?(am|pm|a\.m\.|p\.m\.|утра|дня|вечера|ночи)(?:\s|[.,;:!?)/–—-]|$))?"
);
pattern!(HOUR, r"(?i)\b(1[0-2]|0?[1-9])\s?(am\b|pm\b|a\.m\.|p\.m\.|утра\b|вечера\b|o'clock\b)");

/// A date or a time at a place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateMatch<T> {
    pub(super) at: Range<usize>,
    /// The ways it can be meant.
    pub(super) ways: Vec<T>,
}

fn month_of(name: &str) -> Option<u32> {
    let name = name.trim_end_matches('.').to_lowercase();
    let index = MONTHS.iter().position(|forms| {
        forms.split('|').any(|form| {
            let form = form.trim_end_matches('?');
            name.starts_with(form) || (form.is_ascii() && name.starts_with(&form[..3]))
        })
    })?;
    u32::try_from(index + 1).ok()
}

/// The dates of a text. None of their ranges overlap.
pub(super) fn dates(text: &str) -> Vec<DateMatch<Date>> {
    let mut found: Vec<DateMatch<Date>> = Vec::new();
    let mut add = |at: Range<usize>, ways: Vec<Date>| {
        let free = found.iter().all(|other| other.at.end <= at.start || at.end <= other.at.start);
        if free && !ways.is_empty() {
            found.push(DateMatch { at, ways });
        }
    };
    let number = |found: &regex::Captures<'_>, group: usize| -> Option<u32> {
        found.get(group)?.as_str().parse().ok()
    };
    let year = |found: &regex::Captures<'_>, group: usize| -> Option<i32> {
        let year = found.get(group)?.as_str();
        let value: i32 = year.parse().ok()?;
        Some(if year.len() == 2 { 2000 + value } else { value })
    };
    for date in ISO.captures_iter(text) {
        let ways = date_of(year(&date, 1), number(&date, 2), number(&date, 3));
        add(range(&date), ways.into_iter().collect());
    }
    for date in NUMERIC.captures_iter(text) {
        // `25.12-08.01` is two of them without years.
        if date.get(2).map(|one| one.as_str()) != date.get(4).map(|other| other.as_str()) {
            continue;
        }
        let first = number(&date, 1);
        let second = number(&date, 3);
        let year = year(&date, 5);
        let mut ways: Vec<Date> = date_of(year, second, first).into_iter().collect();
        if date.get(2).is_some_and(|separator| separator.as_str() == "/") {
            ways.extend(date_of(year, first, second).filter(|way| !ways.contains(way)));
        }
        add(range(&date), ways);
    }
    for (pattern, name, first, last, of_year) in
        [(&DAY_NAMED, 3, 1, 2, 4), (&NAMED_DAY, 1, 2, 3, 4)]
    {
        for date in pattern.captures_iter(text) {
            let month = date.get(name).and_then(|name| month_of(name.as_str()));
            let year = year(&date, of_year);
            let last_day = date_of(year, month, number(&date, last));
            // Of a range the first day stands before the dash; each is a date of its own.
            let begin = date.get(first).map_or(range(&date).start, |first| first.end());
            if let (Some(day), Some(_)) = (date.get(first), last_day) {
                let ways = date_of(year, month, number(&date, first));
                add(day.range(), ways.into_iter().collect());
            }
            add(begin..range(&date).end, last_day.into_iter().collect());
        }
    }
    for date in NAMED_YEAR.captures_iter(text) {
        let month = date.get(1).and_then(|name| month_of(name.as_str()));
        let ways = month.map(|month| Date { year: year(&date, 2), month, day: None });
        add(range(&date), ways.into_iter().collect());
    }
    found
}

fn range(found: &regex::Captures<'_>) -> Range<usize> {
    found.get(0).map_or(0..0, |whole| whole.range())
}

fn date_of(year: Option<i32>, month: Option<u32>, day: Option<u32>) -> Option<Date> {
    let month = month?;
    let day = day?;
    let real = (1..=12).contains(&month) && (1..=31).contains(&day);
    real.then_some(Date { year, month, day: Some(day) })
}

/// The date that `05.05` may be, beside a number.
pub(super) fn short_date(written: &str) -> Option<Date> {
    let date = DAY_MONTH.captures(written)?;
    let number = |group: usize| date.get(group)?.as_str().parse().ok();
    (date.get(0)?.as_str() == written).then(|| date_of(None, number(2), number(1)))?
}

/// The time of day that `9.30` may be, beside a number; minutes after midnight.
pub(super) fn short_time(written: &str) -> Option<u32> {
    let time = DAY_MONTH
        .captures(written)
        .filter(|time| time.get(0).map(|all| all.as_str()) == Some(written))?;
    let part = |group: usize| time.get(group)?.as_str().parse::<u32>().ok();
    let hour = part(1)?;
    let minute = part(2)?;
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// The times of day of a text, in minutes after midnight.
pub(super) fn times(text: &str) -> Vec<DateMatch<u32>> {
    let mut found: Vec<DateMatch<u32>> = Vec::new();
    for time in CLOCK.captures_iter(text) {
        let whole = range(&time);
        let dotted = time.get(2).is_some_and(|minutes| text[..minutes.start()].ends_with('.'));
        let half = time.get(3).map(|half| half.as_str().to_lowercase());
        // `12.30` is a number unless it says of which half of the day it is.
        if dotted && half.is_none() {
            continue;
        }
        let part = |group: usize| time.get(group).and_then(|part| part.as_str().parse().ok());
        if let (Some(hour), Some(minute)) = (part(1), part(2)) {
            let end = time.get(3).or(time.get(2)).map_or(whole.end, |part| part.end());
            found.push(DateMatch {
                at: whole.start..end,
                ways: vec![minutes(hour, minute, half.as_deref())],
            });
        }
    }
    for time in HOUR.captures_iter(text) {
        let whole = range(&time);
        let free = found.iter().all(|f| f.at.end <= whole.start || whole.end <= f.at.start);
        let hour = time.get(1).and_then(|hour| hour.as_str().parse().ok());
        let half = time.get(2).map(|half| half.as_str().to_lowercase());
        if let (true, Some(hour)) = (free, hour) {
            found.push(DateMatch { at: whole, ways: vec![minutes(hour, 0, half.as_deref())] });
        }
    }
    found
}

fn minutes(hour: u32, minute: u32, half: Option<&str>) -> u32 {
    let hour = match half.and_then(|half| half.chars().next()) {
        Some('a' | 'у' | 'н') if hour == 12 => 0,
        Some('p' | 'в' | 'д') if hour < 12 => hour + 12,
        Some('н') if (9..12).contains(&hour) => hour + 12,
        _ => hour % 24,
    };
    hour * 60 + minute
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one_however_it_is_written() {
        let fifth = Date { year: Some(2026), month: 5, day: Some(5) };
        for written in [
            "5 мая 2026",
            "5 мая 2026 года",
            "5-го мая 2026",
            "05.05.2026",
            "5/5/2026",
            "05.05.26",
            "May 5, 2026",
            "May 5th 2026",
            "5 May 2026",
            "5th of May 2026",
            "2026-05-05",
        ] {
            let found = dates(&format!("До {written}, a."));
            assert_eq!(found.len(), 1, "{written}");
            assert_eq!(found[0].ways, [fifth], "{written}");
        }
        let both = dates("3/4/2026");
        assert_eq!(both[0].ways.len(), 2, "day and month may stand either way round");
        assert_eq!(dates("с 5–7 мая").len(), 2);
        assert_eq!(dates("May 5-7, 2026").len(), 2);
        assert_eq!(dates("in August 2025")[0].ways[0].day, None);
        assert_eq!(dates("he may go; в марте; 99.99.2026"), []);
        assert_eq!(short_date("05.06"), Some(Date { year: None, month: 6, day: Some(5) }));
        assert_eq!(short_date("5.99"), None);
    }

    #[test]
    fn every_month_has_its_number() {
        let english =
            "January February March April May June July August September October November December";
        let russian =
            "января февраля марта апреля мая июня июля августа сентября октября ноября декабря";
        let names = english.split(' ').zip(1..).chain(russian.split(' ').zip(1..));
        for (name, number) in names {
            let month = dates(&format!("9 {name}"))[0].ways[0].month;
            assert_eq!(month, number, "{name}");
        }
    }

    #[test]
    fn a_time_is_one_however_it_is_written() {
        for (written, minutes) in [
            ("9:00", 540),
            ("09:00", 540),
            ("9 am", 540),
            ("9AM", 540),
            ("9 утра", 540),
            ("9:00 a.m.", 540),
            ("18:30", 1110),
            ("6:30 PM", 1110),
            ("6.30 pm", 1110),
            ("6 вечера", 1080),
            ("12 am", 0),
            ("12:15 pm", 735),
        ] {
            let found = times(&format!("at {written}."));
            assert_eq!(found.len(), 1, "{written}");
            assert_eq!(found[0].ways, [minutes], "{written}");
        }
        assert_eq!(times("12.30 euros, 99:99"), []);
    }
}
