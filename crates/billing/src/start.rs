//! What has to be right before anybody pays.

use chrono::{DateTime, Utc};
use replyx_core::money::Money;
use replyx_storage::{Db, StorageError};

use crate::{
    cx::{BillingSettings, Mode},
    price,
};

/// Who sets prices and rates that come from the configuration.
const CONFIGURATION: &str = "configuration";

/// Why nobody can pay.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The ledger is in another currency.
    #[error(
        "CURRENCY is `{configured}`, and the ledger is in `{ledger}`: it cannot change once there is an entry"
    )]
    Currency {
        /// What the configuration says.
        configured: String,
        /// The currency of the entries.
        ledger: String,
    },
    /// Model prices are in dollars, and nobody knows what a dollar is worth.
    #[error("with BILLING=on and a CURRENCY other than `USD`, USD_RATE must be set")]
    NoRate,
    /// A commit does not wait for the disk.
    #[error(
        "with BILLING=on what is committed must survive a loss of power: PostgreSQL has `synchronous_commit = off`"
    )]
    NotDurable,
    /// The database failed.
    #[error("the database failed")]
    Storage(#[from] StorageError),
}

/// Opens the ledger when anybody is to pay: fixes its currency, and sets the first prices and the
/// rate of the dollar. Several processes may do so at once.
///
/// # Errors
///
/// [`NotReady`] says what has to be changed.
pub async fn open(
    db: &Db,
    settings: &BillingSettings,
    dollar_rate: Option<Money>,
    at: DateTime<Utc>,
) -> Result<(), NotReady> {
    if settings.mode == Mode::Off {
        return Ok(());
    }
    if !db.is_durable().await? {
        return Err(NotReady::NotDurable);
    }

    let mut tx = db.begin().await?;
    let ledger = tx.system().prices().set_currency(&settings.currency, at).await?;
    if ledger != settings.currency {
        return Err(NotReady::Currency { configured: settings.currency.clone(), ledger });
    }

    if tx.system().prices().list().await?.is_empty() {
        let prices = price::defaults(&settings.currency);
        // Another process may have just set the same ones.
        tx.system().prices().add(&prices, at, CONFIGURATION, at).await?;
    }
    let rates = tx.system().prices().rates().await?;
    let newest = rates.last();
    if let Some(rate) = dollar_rate {
        // What an admin has set later wins over an unchanged configuration.
        let configured = rates.iter().rev().find(|rate| rate.set_by == CONFIGURATION);
        if configured.is_none_or(|configured| configured.rate != rate) {
            tx.system().prices().add_rate(rate, at, CONFIGURATION, at).await?;
        }
    } else if newest.is_none() && settings.currency != price::DOLLARS {
        return Err(NotReady::NoRate);
    }
    tx.commit().await?;
    Ok(())
}
