//! What a cell says.

use std::fmt::Write;

use calamine::{ExcelDateTime, ExcelDateTimeType};

/// A number with the fifteen digits a double can hold, no more.
pub(in super::super) fn decimal(number: f64) -> String {
    let size = number.abs();
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded == 0.0 {
        "0".to_owned()
    } else if (1e-9..1e15).contains(&size) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

/// A date, a time of day or both; a day's beginning is left out.
pub(super) fn iso(moment: &str) -> String {
    let (date, time) = moment.split_once('T').unwrap_or((moment, ""));
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    match time.strip_suffix(":00").unwrap_or(time) {
        "" | "00:00" => date.to_owned(),
        time => format!("{date} {time}"),
    }
}

/// A moment as old workbooks have it.
pub(super) fn serial(moment: &ExcelDateTime) -> String {
    let days = moment.as_f64();
    if moment.is_duration() {
        return elapsed(days);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let mut time = format!("{hour:02}:{minute:02}");
    if second > 0 {
        let _ = write!(time, ":{second:02}");
    }
    if (0.0..1.0).contains(&days) {
        time
    } else if time == "00:00" {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {time}")
    }
}

/// What a format shows of a number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Day,
    Time,
    DayAndTime,
    /// How long something takes.
    Length,
}

/// The day from which a workbook counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    Year1900,
    Year1904,
}

/// A number of days since the workbook's beginning as its cell shows it.
pub(super) fn moment(days: f64, epoch: Epoch, shown: Moment) -> String {
    if !days.is_finite() || !(0.0..3_000_000.0).contains(&days) {
        return decimal(days);
    }
    let part = match shown {
        Moment::Length => return elapsed(days),
        Moment::Day => days.trunc(),
        Moment::Time => days.fract(),
        Moment::DayAndTime => days,
    };
    let from_1904 = epoch == Epoch::Year1904;
    serial(&ExcelDateTime::new(part, ExcelDateTimeType::DateTime, from_1904))
}

fn elapsed(days: f64) -> String {
    let seconds = (days * 86_400.0).round();
    let hours = (seconds / 3600.0).trunc();
    let minutes = (seconds % 3600.0).abs();
    let rest = minutes % 60.0;
    let text = format!("{hours}:{:02}", (minutes / 60.0).trunc());
    if rest > 0.0 { format!("{text}:{rest:02}") } else { text }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn numbers_have_no_noise() {
        assert_eq!(decimal(0.1 + 0.2), "0.3");
        assert_eq!(decimal(1990.0), "1990");
        assert_eq!(decimal(-0.5), "-0.5");
        assert_eq!(decimal(-0.0), "0");
        assert_eq!(decimal(4_607_123_456_789.0), "4607123456789");
        assert_eq!(decimal(1e300), "1e300");
    }

    #[test]
    fn moments_are_written_as_iso() {
        let at = |days, kind| serial(&ExcelDateTime::new(days, kind, false));
        assert_eq!(at(45_943.0, DateTime), "2025-10-13");
        assert_eq!(at(45_943.5, DateTime), "2025-10-13 12:00");
        assert_eq!(at(0.75, DateTime), "18:00");
        assert_eq!(at(1.25, TimeDelta), "30:00");
        assert_eq!(iso("2026-01-02T00:00:00"), "2026-01-02");
        assert_eq!(iso("2026-01-02T09:30:00"), "2026-01-02 09:30");
    }
}
