//! Who pays, and in which currency.

use anyhow::{Context, ensure};
use replyx_billing::{BillingSettings, Mode, price};
use replyx_core::money::Money;

use super::{Billing, Config, DatabaseSync};

impl Config {
    /// What the configuration says about money.
    pub fn billing(&self) -> BillingSettings {
        let mode = match self.raw.billing {
            Billing::Off => Mode::Off,
            Billing::On => Mode::On,
        };
        BillingSettings { mode, currency: self.raw.currency.clone() }
    }

    /// What a US dollar is worth, if the configuration says so.
    pub fn dollar_rate(&self) -> anyhow::Result<Option<Money>> {
        let Some(text) = self.raw.usd_rate.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let rate: Money =
            text.parse().with_context(|| format!("USD_RATE `{text}` is not an amount"))?;
        ensure!(rate > Money::ZERO, "USD_RATE must be more than 0, not `{text}`");
        Ok(Some(rate))
    }

    pub(super) fn check_billing(&self) -> anyhow::Result<()> {
        let currency = &self.raw.currency;
        ensure!(
            currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()),
            "CURRENCY must be three capital letters such as `USD`, not `{currency}`"
        );
        let rate = self.dollar_rate()?;
        ensure!(
            rate.is_none() || currency != price::DOLLARS,
            "USD_RATE has no meaning while CURRENCY is `USD`: remove it"
        );
        ensure!(
            self.raw.billing == Billing::Off || self.raw.database_sync == DatabaseSync::Full,
            "with BILLING=on what is committed must survive a loss of power: DATABASE_SYNC must be `full`"
        );
        Ok(())
    }
}
