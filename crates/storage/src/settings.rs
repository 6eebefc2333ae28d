//! What a platform admin has set: the `settings` table.

use chrono::{DateTime, Utc};
use replyx_core::ids::UserId;

use crate::{StorageError, Tx};

/// All settings that differ from the configuration.
pub struct StoredSettings<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl StoredSettings<'_> {
    /// Every stored setting: name and value.
    pub async fn all(self) -> Result<Vec<(String, String)>, StorageError> {
        Ok(rows!(self.tx, (String, String), "SELECT name, value FROM settings ORDER BY name"))
    }

    /// The stored value of a setting.
    pub async fn find(self, name: &str) -> Result<Option<String>, StorageError> {
        Ok(value!(self.tx, String, "SELECT value FROM settings WHERE name = $1"; name))
    }

    /// Stores a value if `before` is what is stored; `false`: it is not. Tells
    /// `Committed::settings`.
    pub async fn swap(
        self,
        name: &str,
        before: Option<&str>,
        value: &str,
        by: Option<UserId>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const NEW: &str = "
            INSERT INTO settings (name, value, updated_by, updated_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO NOTHING";
        const OTHER: &str = "
            UPDATE settings SET value = $2, updated_by = $3, updated_at = $4
             WHERE name = $1 AND value = $5";
        let author = by.map(UserId::into_uuid);

        let changed = if let Some(before) = before {
            run!(self.tx, OTHER; name, value, author, now, before)
        } else {
            run!(self.tx, NEW; name, value, author, now)
        };
        self.tx.done.settings |= changed > 0;
        Ok(changed > 0)
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

    /// Goes back to the configuration, and returns what was stored. Tells `Committed::settings`.
    pub async fn remove(self, name: &str) -> Result<Option<String>, StorageError> {
        const SQL: &str = "DELETE FROM settings WHERE name = $1 RETURNING value";
        let removed = row!(self.tx, (String,), SQL; name).map(|(value,)| value);
        self.tx.done.settings |= removed.is_some();
        Ok(removed)
    }
}
