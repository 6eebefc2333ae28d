//! Can a number be reckoned in one step from numbers that were named?
//!
//! A customer who asks for two things wants their sum. One of the operands must stand in the
//! answer, or be a count in the question; the other may stand with the same words in a source. What
//! must be guessed from two numbers of the sources is not reckoned.

use super::{
    amounts::{ONE, amounts, minutes},
    fact::Value,
    numbers::Unit,
};

/// A larger count of things is a coincidence.
const MOST: i128 = 1_000 * ONE;

/// The numbers from which another one may be reckoned.
#[derive(Debug, Default)]
pub(super) struct Operands {
    /// What the answer itself names.
    pub(super) named: Vec<Value>,
    /// How many of something the customer speaks of. What they say of prices counts for nothing.
    pub(super) counts: Vec<Value>,
    /// What the sources say of the same matter.
    pub(super) near: Vec<Value>,
}

/// Is the amount a sum, a difference, a product, a part or a share of these?
pub(super) fn is_derived(value: &Value, operands: &Operands) -> bool {
    let Value::Number { unit, .. } = value else { return false };
    if matches!(unit, Unit::Percent) {
        return false;
    }
    let results = amounts(value);
    let named: Vec<(i128, Unit)> = of(&operands.named);
    let near: Vec<(i128, Unit)> = of(&operands.near);
    let mut counts: Vec<(i128, Unit)> = of(&operands.counts);
    counts.retain(|(_, unit)| matches!(unit, Unit::Plain | Unit::Span(_)));

    let alike: Vec<i128> =
        named.iter().filter(|one| is_like(*unit, one.1)).map(|one| one.0).collect();
    let total: i128 = alike.iter().sum();
    if alike.len() > 1 && results.contains(&total) {
        return true;
    }

    let is_step = |first: &(i128, Unit), second: &(i128, Unit)| {
        results.iter().any(|result| is_step(*result, *unit, *first, *second))
    };
    let own = named.iter().enumerate().any(|(index, first)| {
        let rest = named[index + 1..].iter();
        rest.chain(&near).chain(&counts).any(|second| is_step(first, second))
    });
    own || counts.iter().any(|count| near.iter().any(|near| is_step(count, near)))
}

fn of(values: &[Value]) -> Vec<(i128, Unit)> {
    let pair = |value: &Value| match value {
        Value::Number { unit, .. } => {
            let unit = *unit;
            amounts(value).into_iter().map(|amount| (amount, unit)).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    // Nothing is reckoned from what costs nothing.
    values.iter().flat_map(pair).filter(|(amount, _)| *amount > 0).collect()
}

/// Can amounts of these units be added up?
const fn is_like(one: Unit, other: Unit) -> bool {
    matches!(
        (one, other),
        (Unit::Price(_) | Unit::Plain, Unit::Price(_) | Unit::Plain)
            | (Unit::Span(_), Unit::Span(_))
    )
}

/// Is the result reckoned from these two in one step?
fn is_step(result: i128, unit: Unit, first: (i128, Unit), second: (i128, Unit)) -> bool {
    let (one, of_one) = first;
    let (other, of_other) = second;
    if is_like(unit, of_one) && is_like(unit, of_other) {
        let difference = (one - other).abs();
        if result == one + other || (result == difference && difference != 0) {
            return true;
        }
    }
    of_share(result, unit, first, second)
        || of_share(result, unit, second, first)
        || times(result, unit, first, second)
        || times(result, unit, second, first)
}

/// Ten per cent of it, or that much less or more.
fn of_share(result: i128, unit: Unit, whole: (i128, Unit), share: (i128, Unit)) -> bool {
    if share.1 != Unit::Percent || !is_like(unit, whole.1) {
        return false;
    }
    let part = whole.0 * share.0 / (100 * ONE);
    [part, whole.0 - part, whole.0 + part].into_iter().any(|meant| is_near(result, meant))
}

/// So many of it, or an equal part of it.
fn times(result: i128, unit: Unit, whole: (i128, Unit), count: (i128, Unit)) -> bool {
    let counts = matches!(count.1, Unit::Plain | Unit::Span('n'))
        || (matches!(unit, Unit::Price(_)) && matches!(count.1, Unit::Span(_)));
    // Spans come in minutes: of `3 days` only the three counts.
    let per = match count.1 {
        Unit::Span(span) => ONE * minutes(span),
        _ => ONE,
    };
    let number = count.0 / per * ONE;
    let sensible = counts && is_like(unit, whole.1) && number > ONE && number <= MOST;
    sensible && (is_near(result, whole.0 * number / ONE) || is_near(result, whole.0 * ONE / number))
}

/// Equal to a hundredth, as money is rounded.
const fn is_near(result: i128, meant: i128) -> bool {
    (result - meant).abs() <= ONE / 200
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fact::Side, facts::facts};

    fn values(text: &str) -> Vec<Value> {
        facts(text, Side::Answer).into_iter().map(|fact| fact.value).collect()
    }

    #[test]
    fn one_step_is_reckoned_and_no_more() {
        for (result, named, near, right) in [
            ("1 dollar", "", "free of charge", false),
            ("300 euros", "60 euros and 240 euros", "", true),
            ("310 euros", "60 euros and 240 euros", "", false),
            ("365 euros", "60 euros, 240 euros, 65 euros", "", true),
            ("216 euros", "240 euros", "10 %", true),
            ("24 euros", "240 euros with 10 %", "", true),
            ("80 euros", "240 euros in 3 parts", "", true),
            ("180 euros", "60 euros for 3 days", "", true),
            ("135 minutes", "45 minutes and 90 minutes", "", true),
            ("180 euros", "240 euros", "60 euros", true),
            ("300 euros", "", "60 euros and 240 euros", false),
            ("30 %", "10 % and 20 %", "", false),
        ] {
            let named = values(named);
            let operands = Operands { named, near: values(near), ..Operands::default() };
            let value = values(result).remove(0);
            assert_eq!(is_derived(&value, &operands), right, "{result} from {operands:?}");
        }

        let asked = |asked: &str, near: &str| Operands {
            counts: values(asked),
            near: values(near),
            ..Operands::default()
        };
        let value = values("840 euros").remove(0);
        assert!(is_derived(&value, &asked("two crowns", "420 euros")));
        assert!(!is_derived(&value, &asked("1 euro and 839 euros", "1 euro")));
    }
}
