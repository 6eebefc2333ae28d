//! Money: what a workspace has, what moved, and what is charged.

pub mod balance;
pub mod entries;
pub mod entry;
pub mod prices;
mod table;

use replyx_core::money::Money;

/// The most that an amount may be, in either direction.
pub(crate) const MOST: Money = Money::from_micros(1_000_000_000_000_000);

/// An amount within its bounds.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(crate) fn amount(text: &str, (): &()) -> garde::Result {
    match text.parse::<Money>() {
        Ok(amount) if (Money::ZERO..=MOST).contains(&amount) => Ok(()),
        _ => Err(garde::Error::new(
            "must be a decimal number such as `5.00`, not below 0, with at most 6 decimals",
        )),
    }
}

/// The amount that [`amount`] let through.
pub(crate) fn read(text: &str) -> Money {
    text.parse().unwrap_or(Money::ZERO)
}
