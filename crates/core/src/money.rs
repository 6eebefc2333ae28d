//! Money, exact: whole micro-units (10^-6 of the currency) in an `i64`, never a float.

use std::{fmt, iter::Sum, ops::Add, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in micro-units of the installation's currency; written as a decimal string (`"5.00"`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// The text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of at most six decimals")]
pub struct InvalidAmount(String);

const MICROS: i64 = 1_000_000;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount given in micro-units.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The amount in micro-units.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The cost of `count` things of which a million cost `self`, rounded up: we never undercharge
    /// ourselves for a fraction. Model prices are quoted per million tokens.
    #[must_use]
    pub fn per_million(self, count: u64) -> Self {
        let exact = i128::from(self.0) * i128::from(count);
        let cost = exact.div_euclid(i128::from(MICROS))
            + i128::from(exact.rem_euclid(i128::from(MICROS)) != 0);
        Self(i64::try_from(cost).unwrap_or(i64::MAX))
    }

    /// The sum, or nothing when it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or nothing when it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times the amount, or nothing when it does not fit.
    pub fn checked_times(self, count: u64) -> Option<Self> {
        self.0.checked_mul(i64::try_from(count).ok()?).map(Self)
    }
}

impl Add for Money {
    type Output = Self;

    /// Saturates: a sum of costs that does not fit is a ceiling, never a small number.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// At least two decimals, at most six, no more than needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / MICROS.unsigned_abs();
        let fraction = format!("{:06}", self.0.unsigned_abs() % MICROS.unsigned_abs());
        let kept = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{whole}.{}", &fraction[..kept])
    }
}

impl FromStr for Money {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let refused = || InvalidAmount(text.chars().take(40).collect());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 6 {
            return Err(refused());
        }
        let whole: i128 = whole.parse().map_err(|_| refused())?;
        let fraction: i128 = format!("{fraction:0<6}").parse().map_err(|_| refused())?;
        let micros = whole
            .checked_mul(i128::from(MICROS))
            .and_then(|micros| micros.checked_add(fraction))
            .map(|micros| if negative { -micros } else { micros })
            .ok_or_else(refused)?;
        i64::try_from(micros).map(Self).map_err(|_| refused())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_written_with_two_to_six_decimals() {
        for (micros, text) in
            [(5_000_000, "5.00"), (-1, "-0.000001"), (0, "0.00"), (1_230_000, "1.23")]
        {
            assert_eq!(Money::from_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_money_is_refused() {
        for text in ["", ".", "1.", "1e3", "+1", "1.0000001", "9999999999999999", "1,5", "--1", "٣"]
        {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fraction_of_a_micro_unit_is_rounded_up() {
        assert_eq!(Money::from_micros(150_000).per_million(1), Money::from_micros(1));
        assert_eq!(Money::from_micros(150_000).per_million(0), Money::ZERO);
        assert_eq!(
            Money::from_micros(2_000_000).per_million(500_000),
            Money::from_micros(1_000_000)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(micros: i64) {
            let money = Money::from_micros(micros);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }
    }
}
