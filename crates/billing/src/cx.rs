//! What the use cases work with.

use std::sync::Arc;

use replyx_core::clock::Clock;
use replyx_storage::{Db, tuning::Tuning};

use crate::error::{Error, Result};

/// Whether anybody pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody does: nothing costs anything, and nothing is ever refused for lack of money.
    #[default]
    Off,
    /// Workspaces have a balance.
    On,
}

impl Mode {
    /// Its word: `off` or `on`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }
}

/// What the configuration says about money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingSettings {
    /// Whether anybody pays.
    pub mode: Mode,
    /// The currency of the installation: three capital letters.
    pub currency: String,
}

impl Default for BillingSettings {
    fn default() -> Self {
        Self { mode: Mode::Off, currency: crate::price::DOLLARS.to_owned() }
    }
}

/// What the use cases work with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cx {
    /// Durable state.
    pub db: Db,
    /// Time and ids.
    pub clock: Clock,
    /// Settings that admins change.
    pub tuning: Arc<Tuning>,
    /// What the configuration says.
    pub settings: Arc<BillingSettings>,
}

impl Cx {
    /// Is anybody to pay?
    ///
    /// # Errors
    ///
    /// [`Error::Off`].
    pub(crate) fn must_be_on(&self) -> Result<()> {
        match self.settings.mode {
            Mode::On => Ok(()),
            Mode::Off => Err(Error::Off),
        }
    }
}
