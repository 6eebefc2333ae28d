//! Whether a database holds secrets that were sealed with the master secret.

use replyx_core::mail;

use crate::{Db, StorageError};

/// Where secrets stand that were sealed with the master secret and cannot be made again.
const SEALED: [&str; 3] = [
    "SELECT 1 FROM telegram_bots WHERE LENGTH(token_sealed) > 0 LIMIT 1",
    "SELECT 1 FROM model_keys LIMIT 1",
    "SELECT 1 FROM users WHERE totp_sealed IS NOT NULL LIMIT 1",
];

/// Letters that wait to be sent are sealed, too.
const LETTERS: &str = "SELECT 1 FROM jobs WHERE kind = $1 LIMIT 1";

impl Db {
    /// Does the database hold secrets that were sealed with the master secret? One without tables
    /// holds none.
    pub async fn holds_sealed(&self) -> Result<bool, StorageError> {
        for sql in SEALED {
            let mut tx = self.read().await?;
            let found = async { Ok(rows!(tx, (i32,), sql)) }.await;
            if is_any(found)? {
                return Ok(true);
            }
        }

        let mut tx = self.read().await?;
        let letters = async { Ok(rows!(tx, (i32,), LETTERS; mail::KIND.name)) }.await;
        is_any(letters)
    }
}

/// Is there a row? A table that is not there has none.
fn is_any(found: Result<Vec<(i32,)>, StorageError>) -> Result<bool, StorageError> {
    match found {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(error @ StorageError::Driver(_)) if error.is_missing_table() => Ok(false),
        Err(error) => Err(error),
    }
}
