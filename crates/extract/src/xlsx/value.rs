//! What a cell says.

use std::fmt::Write;

use calamine::{DataRef, ExcelDateTime};

/// A cell as a reader sees it: dates as ISO 8601, numbers without the noise of floating point. An
/// error says nothing.
pub(super) fn said(value: &DataRef, percent: bool) -> String {
    match value {
        DataRef::Int(number) if percent => format!("{}%", number.saturating_mul(100)),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) if percent => format!("{}%", decimal(number * 100.0)),
        DataRef::Float(number) => decimal(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(moment) => serial(moment),
        DataRef::DateTimeIso(moment) => iso(moment),
        DataRef::DurationIso(duration) => duration.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// A number with the fifteen digits a double can hold, no more.
pub(super) fn decimal(number: f64) -> String {
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

fn serial(moment: &ExcelDateTime) -> String {
    let days = moment.as_f64();
    if moment.is_duration() {
        let seconds = (days * 86_400.0).round();
        let hours = (seconds / 3600.0).trunc();
        let rest = (seconds % 3600.0).abs();
        return format!("{hours}:{:02}:{:02}", (rest / 60.0).trunc(), rest % 60.0);
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
        assert_eq!(said(&DataRef::Float(0.07), true), "7%");
    }

    #[test]
    fn moments_are_written_as_iso() {
        let at = |days, kind| serial(&ExcelDateTime::new(days, kind, false));
        assert_eq!(at(45_943.0, DateTime), "2025-10-13");
        assert_eq!(at(45_943.5, DateTime), "2025-10-13 12:00");
        assert_eq!(at(0.75, DateTime), "18:00");
        assert_eq!(at(1.25, TimeDelta), "30:00:00");
        assert_eq!(iso("2026-01-02T00:00:00"), "2026-01-02");
        assert_eq!(iso("2026-01-02T09:30:00"), "2026-01-02 09:30");
    }
}
