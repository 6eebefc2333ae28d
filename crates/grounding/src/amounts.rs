//! Do two amounts say the same, whatever unit each of them is given in?

use super::{
    fact::Value,
    numbers::{CENTS, Unit},
};

/// Where an amount stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the cell of a table, where a bare number may be a price.
    Cell,
    /// In a sentence.
    Sentence,
}

/// Amounts are counted in ten-thousandths, so that sums of prices are exact.
pub(super) const ONE: i128 = 10_000;

/// What kind of amount a fact is. Facts of one kind can be told for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A price, or a number that may be one.
    Count { money: bool },
    /// A share in hundredths.
    Percent,
    /// A stretch of time.
    Span,
    /// A time of day.
    Time,
    /// A date.
    Date,
}

impl Class {
    /// The kind of a fact; none of what is no amount.
    pub(super) const fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number { unit: Unit::Percent, .. } => Some(Self::Percent),
            Value::Number { unit: Unit::Span(_), .. } => Some(Self::Span),
            Value::Number { unit: Unit::Price(_), .. } => Some(Self::Count { money: true }),
            Value::Number { unit: Unit::Plain, .. } => Some(Self::Count { money: false }),
            Value::Time(_) => Some(Self::Time),
            Value::Date(_) => Some(Self::Date),
            _ => None,
        }
    }

    /// Can an answer's amount have been taken for this one of a source? A bare number of an answer
    /// is not taken for a price, and a price only for a bare number of a table.
    pub(super) fn rivals(self, known: Self, place: Place) -> bool {
        match (self, known) {
            (Self::Count { money: false }, Self::Count { money: true }) => false,
            (Self::Count { money: true }, Self::Count { money: false }) => place == Place::Cell,
            _ => true,
        }
    }

    /// Can one be told for the other? A bare number of a table may be a price.
    pub(super) const fn is_like(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Count { .. }, Self::Count { .. })
                | (Self::Percent, Self::Percent)
                | (Self::Span, Self::Span)
                | (Self::Time, Self::Time)
                | (Self::Date, Self::Date)
        )
    }
}

/// A decimal as a whole number of ten-thousandths; none beyond what money is counted in.
fn exact(decimal: &str) -> Option<i128> {
    let (whole, part) = decimal.split_once('.').unwrap_or((decimal, ""));
    if whole.len() > 15 || part.len() > 4 {
        return None;
    }
    let part: i128 = format!("{part:0<4}").parse().ok()?;
    Some(whole.parse::<i128>().ok()? * ONE + part)
}

/// The ways an amount can be meant, in ten-thousandths of its base unit: currency, minute, one.
pub(super) fn amounts(value: &Value) -> Vec<i128> {
    let Value::Number { ways, unit, .. } = value else { return Vec::new() };
    let scale = |amount: i128| match unit {
        Unit::Price(Some(CENTS)) => amount / 100,
        Unit::Span(span) => amount * minutes(*span),
        _ => amount,
    };
    ways.iter().filter_map(|way| exact(way)).map(scale).collect()
}

/// How many minutes a unit of time has. A month has thirty days, as people count.
pub(super) const fn minutes(span: char) -> i128 {
    match span {
        'M' => 1,
        'h' => 60,
        'w' => 7 * 24 * 60,
        'm' => 30 * 24 * 60,
        'y' => 365 * 24 * 60,
        _ => 24 * 60,
    }
}

/// Does the source's fact say what the answer's does?
pub(super) fn agree(said: &Value, known: &Value) -> bool {
    match (said, known) {
        (Value::Time(one), Value::Time(other)) => one == other,
        (Value::Time(minutes), Value::Number { ways, unit, time, .. }) => {
            let hour = minutes.is_multiple_of(60).then(|| (minutes / 60).to_string());
            let bare = matches!(unit, Unit::Plain | Unit::Span('h'));
            *time == Some(*minutes) || (bare && hour.is_some_and(|hour| ways.contains(&hour)))
        }
        (Value::Date(ways), Value::Date(known)) => {
            ways.iter().any(|date| known.iter().any(|known| date.agrees(*known)))
        }
        (Value::Date(ways), Value::Number { date: Some(known), .. }) => {
            ways.iter().any(|date| date.agrees(*known))
        }
        (Value::Number { date: Some(date), .. }, Value::Date(known)) => {
            known.iter().any(|known| date.agrees(*known))
        }
        (Value::Number { time: Some(time), .. }, Value::Time(known)) if time == known => true,
        (Value::Number { ways, unit, .. }, Value::Time(known)) => {
            let hour = known.is_multiple_of(60).then(|| (known / 60).to_string());
            matches!(unit, Unit::Plain) && hour.is_some_and(|hour| ways.contains(&hour))
        }
        (
            Value::Number { ways, unit, time, date, .. },
            Value::Number { ways: others, unit: other, time: known_time, date: known_date, .. },
        ) => {
            let written = ways.iter().any(|way| others.contains(way)) && are_like(*unit, *other);
            let short =
                (time.is_some() && time == known_time) || (date.is_some() && date == known_date);
            written || short || is_same(said, known)
        }
        _ => false,
    }
}

/// Is it the same amount in another unit: two weeks and 14 days, a year and 12 months?
fn is_same(said: &Value, known: &Value) -> bool {
    let (
        Value::Number { ways, unit: Unit::Span(one), .. },
        Value::Number { ways: others, unit: Unit::Span(other), .. },
    ) = (said, known)
    else {
        return units(said, known) && meet(&amounts(said), &amounts(known));
    };
    // Twelve months are a year, of however many days.
    let months = |ways: &[String], span: char| -> Vec<i128> {
        let times = match span {
            'm' => 1,
            'y' => 12,
            _ => return Vec::new(),
        };
        ways.iter().filter_map(|way| exact(way)).map(|amount| amount * times).collect()
    };
    *one != 'n' && *other != 'n' && meet(&amounts(said), &amounts(known))
        || meet(&months(ways, *one), &months(others, *other))
}

fn units(said: &Value, known: &Value) -> bool {
    let unit = |value: &Value| match value {
        Value::Number { unit, .. } => Some(*unit),
        _ => None,
    };
    unit(said).zip(unit(known)).is_some_and(|(one, other)| are_like(one, other))
}

fn meet(some: &[i128], others: &[i128]) -> bool {
    some.iter().any(|one| others.contains(one))
}

/// Can a number of this unit be told from one of that?
pub(super) fn are_like(said: Unit, known: Unit) -> bool {
    match (said, known) {
        (Unit::Price(one), Unit::Price(other)) => {
            let named = |unit: Option<char>| unit.filter(|unit| *unit != CENTS);
            named(one).zip(named(other)).is_none_or(|(one, other)| one == other)
        }
        (Unit::Span(one), Unit::Span(other)) => one == other,
        (_, Unit::Plain) | (Unit::Plain, _) => true,
        (said, known) => said == known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fact::Side, facts::facts};

    #[test]
    fn the_same_amount_is_known_in_other_units() {
        let only = |text: &str| {
            let found = facts(text, Side::Answer);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            found[0].value.clone()
        };
        for (said, known, same) in [
            ("two weeks", "14 days", true),
            ("48 hours", "two days", true),
            ("an hour and a half", "90 min", true),
            ("полтора часа", "90 мин", true),
            ("24 months", "two years", true),
            ("12 months", "one year", true),
            ("30 days", "one month", true),
            ("4 euros 50 cents", "4.50 €", true),
            ("4 евро 50 центов", "€4.50", true),
            ("50 cents", "0.50 €", true),
            ("free of charge", "0 euros", true),
            ("5 hours", "5 days", false),
            ("three weeks", "14 days", false),
            ("4 euros 5 cents", "4.50 €", false),
            ("10 dollars", "10 euros", false),
        ] {
            let said = only(said);
            assert_eq!(agree(&said, &only(known)), same, "{said:?} {known}");
        }
    }
}
