//! Money: what is charged, what is set aside before it is spent, what is spent first, and the
//! ledger that proves it.
//!
//! The rules are pure: they take what there is and return [`Movement`]s or say what is missing.
//!
//! 1. [`charge`]: which outcomes cost something. One table.
//! 2. [`price`]: what they cost, by the prices in force at that moment.
//! 3. [`spend`]: the trial first, then what was given, then what was paid, the oldest credit first.
//! 4. [`trial`]: how long it lasts, and when its owner is warned.
//! 5. [`forecast`]: how long the balance lasts.
//!
//! [`books`] writes what the rules say, in the caller's transaction. [`seal`] seals
//! and sums entries in the background, and [`verify`] proves all of it.
//!
//! [`account`] and [`admin`] are the use cases of workspaces and of platform admins; [`start`] is
//! what has to be right before anybody pays.
//!
//! Amounts are [`replyx_core::money::Money`]: whole micro-units, decimal strings outside.
//!
//! [`Movement`]: replyx_core::ledger::Movement

pub mod account;
pub mod admin;
pub mod books;
pub mod charge;
mod cx;
mod error;
pub mod forecast;
pub mod price;
pub mod seal;
pub mod spend;
pub mod start;
pub mod tokens;
pub mod trial;
pub mod turns;
pub mod verify;
pub mod watch;
pub mod welcome;

pub use cx::{BillingSettings, Cx, Mode};
pub use error::{Error, Result};
