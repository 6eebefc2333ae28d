//! Providers of models and the keys to them: the `model_providers` and `model_keys` tables of the
//! installation.

use chrono::{DateTime, Utc};
use replyx_core::{ids::ModelKeyId, money::Money};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A key to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelKey {
    /// Identity.
    pub id: ModelKeyId,
    /// The provider's name.
    pub provider: String,
    /// Its display name.
    pub name: String,
    /// The origin (scheme, host and port) of the provider for which it was given: it is shown to no
    /// other. `None`: it was stored before origins were, and belongs to wherever its provider is.
    pub origin: Option<String>,
    /// The key, sealed with its id.
    pub secret_sealed: Vec<u8>,
    /// Its last characters, for recognising it.
    pub hint: String,
    /// The priority: the lowest number is used first.
    pub priority: i64,
    /// Requests a day, UTC; without bound unless set.
    pub daily_requests: Option<i64>,
    /// Requests a month, UTC; without bound unless set.
    pub monthly_requests: Option<i64>,
    /// Money a day, UTC; without bound unless set.
    pub daily_cost: Option<Money>,
    /// Money a month, UTC; without bound unless set.
    pub monthly_cost: Option<Money>,
    /// Whether it may be used.
    pub enabled: bool,
    /// Why it is not used although it may: what the provider said.
    pub fault: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A named endpoint that speaks one of the protocols.
#[derive(Clone, Debug, PartialEq, Eq, crate::FromRow)]
pub struct ModelProvider {
    /// Its name: the part of a model's name before the first colon.
    pub name: String,
    /// `completions`, `responses` or `messages`.
    pub protocol: String,
    /// Where it is.
    pub base_url: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

macro_rules! columns {
    () => {
        "id, provider, name, secret_sealed, hint, priority, daily_requests, monthly_requests, daily_cost,
         monthly_cost, enabled, fault, created_at, updated_at, origin"
    };
}

#[derive(crate::FromRow)]
struct Row {
    id: Uuid,
    provider: String,
    name: String,
    secret_sealed: Vec<u8>,
    hint: String,
    priority: i64,
    daily_requests: Option<i64>,
    monthly_requests: Option<i64>,
    daily_cost: Option<i64>,
    monthly_cost: Option<i64>,
    enabled: bool,
    fault: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    origin: Option<String>,
}

/// The installation's providers and keys.
pub struct ModelKeys<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl ModelKeys<'_> {
    /// All keys, by provider and priority.
    pub async fn list(self) -> Result<Vec<ModelKey>, StorageError> {
        const SQL: &str =
            concat!("SELECT ", columns!(), " FROM model_keys ORDER BY provider, priority, id");
        Ok(rows!(self.tx, Row, SQL).into_iter().map(read).collect())
    }

    /// Finds a key.
    pub async fn find(self, id: ModelKeyId) -> Result<Option<ModelKey>, StorageError> {
        const SQL: &str = concat!("SELECT ", columns!(), " FROM model_keys WHERE id = $1");
        Ok(row!(self.tx, Row, SQL; id.into_uuid()).map(read))
    }

    /// Finds a key and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: ModelKeyId) -> Result<Option<ModelKey>, StorageError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM model_keys WHERE id = $1");
        const LOCK: &str =
            concat!("SELECT ", columns!(), " FROM model_keys WHERE id = $1 FOR UPDATE");
        let sql = self.tx.sql(LOCK, FIND);
        Ok(row!(self.tx, Row, sql; id.into_uuid()).map(read))
    }

    /// Stores a new key.
    pub async fn insert(self, key: &ModelKey) -> Result<(), StorageError> {
        const SQL: &str = concat!(
            "INSERT INTO model_keys (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        );
        run!(self.tx, SQL;
            key.id.into_uuid(), &key.provider, &key.name, key.secret_sealed.as_slice(), &key.hint,
            key.priority, key.daily_requests, key.monthly_requests,
            key.daily_cost.map(Money::micros), key.monthly_cost.map(Money::micros),
            key.enabled, &key.fault, key.created_at, key.updated_at, &key.origin);
        self.tx.done.settings = true;
        Ok(())
    }

    /// Writes a changed key. `false`: there is none.
    pub async fn save(self, key: &ModelKey) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE model_keys
               SET name = $2, secret_sealed = $3, hint = $4, priority = $5, daily_requests = $6,
                   monthly_requests = $7, daily_cost = $8, monthly_cost = $9, enabled = $10, fault = $11,
                   updated_at = $12, origin = $13
             WHERE id = $1";
        let changed = run!(self.tx, SQL;
            key.id.into_uuid(), &key.name, key.secret_sealed.as_slice(), &key.hint, key.priority,
            key.daily_requests, key.monthly_requests, key.daily_cost.map(Money::micros),
            key.monthly_cost.map(Money::micros), key.enabled, &key.fault, key.updated_at, &key.origin);
        self.tx.done.settings = true;
        Ok(changed == 1)
    }

    /// Deletes a key. `false`: there is none.
    pub async fn delete(self, id: ModelKeyId) -> Result<bool, StorageError> {
        let deleted = run!(self.tx, "DELETE FROM model_keys WHERE id = $1"; id.into_uuid());
        self.tx.done.settings = true;
        Ok(deleted == 1)
    }

    /// Deletes the keys of a provider: it is somewhere else now. Returns how many.
    pub async fn delete_of(self, provider: &str) -> Result<u64, StorageError> {
        let deleted = run!(self.tx, "DELETE FROM model_keys WHERE provider = $1"; provider);
        self.tx.done.settings |= deleted > 0;
        Ok(deleted)
    }

    /// All providers, by name.
    pub async fn providers(self) -> Result<Vec<ModelProvider>, StorageError> {
        const SQL: &str = "SELECT name, protocol, base_url, created_at, updated_at FROM model_providers ORDER BY name";
        Ok(rows!(self.tx, ModelProvider, SQL))
    }

    /// Stores a provider, or changes the one of this name.
    pub async fn put_provider(self, provider: &ModelProvider) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO model_providers (name, protocol, base_url, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE SET protocol = $2, base_url = $3, updated_at = $5";
        run!(self.tx, SQL;
            &provider.name, &provider.protocol, &provider.base_url, provider.created_at,
            provider.updated_at);
        self.tx.done.settings = true;
        Ok(())
    }

    /// Deletes a provider with its keys. `false`: there is none.
    pub async fn delete_provider(self, name: &str) -> Result<bool, StorageError> {
        run!(self.tx, "DELETE FROM model_keys WHERE provider = $1"; name);
        let deleted = run!(self.tx, "DELETE FROM model_providers WHERE name = $1"; name);
        self.tx.done.settings = true;
        Ok(deleted == 1)
    }
}

fn read(row: Row) -> ModelKey {
    ModelKey {
        id: row.id.into(),
        provider: row.provider,
        name: row.name,
        origin: row.origin,
        secret_sealed: row.secret_sealed,
        hint: row.hint,
        priority: row.priority,
        daily_requests: row.daily_requests,
        monthly_requests: row.monthly_requests,
        daily_cost: row.daily_cost.map(Money::from_micros),
        monthly_cost: row.monthly_cost.map(Money::from_micros),
        enabled: row.enabled,
        fault: row.fault,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
