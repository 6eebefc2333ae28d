//! What a platform admin has set: the `settings` table.

use chrono::{DateTime, Utc};
use replyx_core::ids::UserId;

use crate::{StorageError, Tx};

/// All settings that differ from the configuration.
pub struct Settings<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Settings<'_> {
    /// Every stored setting: name and value.
    pub async fn all(self) -> Result<Vec<(String, String)>, StorageError> {
        Ok(rows!(self.tx, (String, String), "SELECT name, value FROM settings ORDER BY name"))
    }

    /// Stores a value. Tells `Committed::settings`.
    pub async fn set(
        self,
        name: &str,
        value: &str,
        by: Option<UserId>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO settings (name, value, updated_by, updated_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE
               SET value = excluded.value, updated_by = excluded.updated_by, updated_at = excluded.updated_at";
        run!(self.tx, SQL; name, value, by.map(UserId::into_uuid), now);
        self.tx.done.settings = true;
        Ok(())
    }

    /// Goes back to the configuration; `false` when nothing was stored. Tells
    /// `Committed::settings`.
    pub async fn remove(self, name: &str) -> Result<bool, StorageError> {
        let removed = run!(self.tx, "DELETE FROM settings WHERE name = $1"; name);
        self.tx.done.settings |= removed > 0;
        Ok(removed > 0)
    }
}
