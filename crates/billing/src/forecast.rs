//! How long a balance lasts.

use replyx_core::money::Money;

/// Over how many days spending is looked at.
pub const DAYS: usize = 14;

/// For how many whole days the money lasts if it is spent as on the days before, the newest last.
/// `None`: nothing was spent. The days before the first spending do not count: a workspace that
/// began yesterday is not taken for one that spends little.
pub fn days_left(available: Money, spent: &[Money]) -> Option<i64> {
    let newest = &spent[spent.len().saturating_sub(DAYS)..];
    let first = newest.iter().position(|day| *day > Money::ZERO)?;
    let days = &newest[first..];
    let total: i128 = days.iter().map(|day| i128::from(day.micros().max(0))).sum();
    let count = i128::try_from(days.len()).unwrap_or(1);
    let left = i128::from(available.micros().max(0)) * count / total.max(1);
    Some(i64::try_from(left).unwrap_or(i64::MAX))
}

/// For how many answers the money is enough. `None`: answers cost nothing.
pub fn answers_left(available: Money, price: Money) -> Option<i64> {
    (price > Money::ZERO).then(|| available.micros().max(0) / price.micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: i64) -> Money {
        Money::from_micros(micros)
    }

    #[test]
    fn days_before_the_first_spending_and_long_ago_do_not_count() {
        assert_eq!(days_left(micros(100), &[]), None);
        assert_eq!(days_left(micros(100), &[Money::ZERO; 3]), None);
        assert_eq!(days_left(micros(100), &[Money::ZERO, micros(10), micros(30)]), Some(5));
        assert_eq!(days_left(micros(0), &[micros(1)]), Some(0));
        let mut days = vec![micros(1_000_000)];
        days.extend([micros(10); DAYS]);
        assert_eq!(days_left(micros(105), &days), Some(10));
        assert_eq!(days_left(micros(i64::MAX), &[micros(1); DAYS]), Some(i64::MAX));
    }

    #[test]
    fn answers_are_counted_whole() {
        assert_eq!(answers_left(micros(149), micros(50)), Some(2));
        assert_eq!(answers_left(micros(-1), micros(50)), Some(0));
        assert_eq!(answers_left(micros(149), Money::ZERO), None);
    }
}
