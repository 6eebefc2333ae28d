//! What the platform charges and what a dollar is worth: the `prices` and `dollar_rates` tables.
//! Versions are only ever added.

use chrono::{DateTime, Utc};
use replyx_core::{
    ledger::{PriceList, PriceVersion, RateVersion},
    money::Money,
};

use crate::{StorageError, Tx};

#[derive(crate::FromRow)]
struct PriceRow {
    version: i64,
    in_force_from: DateTime<Utc>,
    prices: String,
    set_by: String,
    created_at: DateTime<Utc>,
}

#[derive(crate::FromRow)]
struct RateRow {
    version: i64,
    in_force_from: DateTime<Utc>,
    rate: i64,
    set_by: String,
    created_at: DateTime<Utc>,
}

/// The installation's prices, rates and currency.
pub struct Prices<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Prices<'_> {
    /// Every version of the prices, the oldest first.
    pub async fn list(self) -> Result<Vec<PriceVersion>, StorageError> {
        const SQL: &str = "
            SELECT version, in_force_from, prices, set_by, created_at FROM prices ORDER BY version";
        let read = |row: PriceRow| {
            let prices = serde_json::from_str(&row.prices);
            Ok(PriceVersion {
                version: row.version,
                in_force_from: row.in_force_from,
                prices: prices.map_err(StorageError::corrupt("prices"))?,
                set_by: row.set_by,
                created_at: row.created_at,
            })
        };
        rows!(self.tx, PriceRow, SQL).into_iter().map(read).collect()
    }

    /// Adds prices that are in force from a moment on. Returns their number; `None`: another
    /// transaction has just added some.
    pub async fn add(
        self,
        prices: &PriceList,
        in_force_from: DateTime<Utc>,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<i64>, StorageError> {
        const SQL: &str = "
            INSERT INTO prices (version, in_force_from, prices, set_by, created_at)
            SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3, $4 FROM prices WHERE TRUE
            ON CONFLICT (version) DO NOTHING RETURNING version";
        let prices = serde_json::to_string(prices).map_err(StorageError::corrupt("prices"))?;
        let version = value!(self.tx, i64, SQL; in_force_from, &prices, by, at);
        self.tx.done.settings = true;
        Ok(version)
    }

    /// Every rate of the dollar, the oldest first.
    pub async fn rates(self) -> Result<Vec<RateVersion>, StorageError> {
        const SQL: &str = "
            SELECT version, in_force_from, rate, set_by, created_at
              FROM dollar_rates ORDER BY version";
        let read = |row: RateRow| RateVersion {
            version: row.version,
            in_force_from: row.in_force_from,
            rate: Money::from_micros(row.rate),
            set_by: row.set_by,
            created_at: row.created_at,
        };
        Ok(rows!(self.tx, RateRow, SQL).into_iter().map(read).collect())
    }

    /// Adds a rate of the dollar. Returns its number; `None`: another transaction has just added
    /// one.
    pub async fn add_rate(
        self,
        rate: Money,
        in_force_from: DateTime<Utc>,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<i64>, StorageError> {
        const SQL: &str = "
            INSERT INTO dollar_rates (version, in_force_from, rate, set_by, created_at)
            SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3, $4 FROM dollar_rates WHERE TRUE
            ON CONFLICT (version) DO NOTHING RETURNING version";
        let version = value!(self.tx, i64, SQL; in_force_from, rate.micros(), by, at);
        self.tx.done.settings = true;
        Ok(version)
    }

    /// The currency of the ledger, if it has one.
    pub async fn currency(self) -> Result<Option<String>, StorageError> {
        Ok(value!(self.tx, String, "SELECT currency FROM ledger_currency WHERE name = 'this'"))
    }

    /// Sets the currency, unless the ledger has entries. Returns the one that counts.
    pub async fn set_currency(
        self,
        currency: &str,
        at: DateTime<Utc>,
    ) -> Result<String, StorageError> {
        const SQL: &str = "
            INSERT INTO ledger_currency (name, currency, set_at) VALUES ('this', $1, $2)
            ON CONFLICT (name) DO UPDATE SET currency = excluded.currency, set_at = excluded.set_at
             WHERE NOT EXISTS (SELECT 1 FROM ledger_entries)";
        const FIND: &str = "SELECT currency FROM ledger_currency WHERE name = 'this'";
        run!(self.tx, SQL; currency, at);
        let counts = value!(self.tx, String, FIND);
        Ok(counts.unwrap_or_else(|| currency.to_owned()))
    }
}
