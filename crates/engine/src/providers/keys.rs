//! What platform admins do with keys to providers of models. A secret comes in once and is never
//! shown again. A change holds here when it returns; the other processes hear of it.

use replyx_core::{act, actor::Admin, change::Change, ids::ModelKeyId, money::Money, patch::Patch};
use replyx_storage::{model_keys::ModelKey, repeated};
use secrecy::{ExposeSecret, SecretString};

use super::{ProviderError, error::MOST_KEYS, load, origin, servers::address_of};
use crate::Engine;

/// How much of a secret is shown for recognizing it, bytes.
const HINT: usize = 4;
/// Of a shorter secret nothing is shown, bytes.
const HINTED: usize = 16;

/// A new key.
#[derive(Clone, Debug)]
pub struct NewModelKey {
    /// The provider's name.
    pub provider: String,
    /// Its display name.
    pub name: String,
    /// The key as the provider gave it out.
    pub secret: SecretString,
    /// The priority: the lowest number is used first.
    pub priority: i64,
    /// The most requests in a day (UTC).
    pub daily_requests: Option<i64>,
    /// The most requests in a month (UTC).
    pub monthly_requests: Option<i64>,
    /// The most money in a day (UTC).
    pub daily_cost: Option<Money>,
    /// The most money in a month (UTC).
    pub monthly_cost: Option<Money>,
    /// Whether it may be used.
    pub enabled: bool,
}

/// What is to change of a key. What is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ModelKeyChange {
    /// Its display name.
    pub name: Option<String>,
    /// A new secret, from the same provider.
    pub secret: Option<SecretString>,
    /// The priority: the lowest number is used first.
    pub priority: Option<i64>,
    /// The most requests in a day (UTC).
    pub daily_requests: Patch<i64>,
    /// The most requests in a month (UTC).
    pub monthly_requests: Patch<i64>,
    /// The most money in a day (UTC).
    pub daily_cost: Patch<Money>,
    /// The most money in a month (UTC).
    pub monthly_cost: Patch<Money>,
    /// May it be used? To say so has a key tried again that its provider refused.
    pub enabled: Option<bool>,
}

impl ModelKeyChange {
    /// Does it have the key tried again?
    fn readmits(&self) -> bool {
        self.enabled == Some(true) || self.secret.is_some()
    }

    fn apply(&self, engine: &Engine, key: &mut ModelKey) {
        if self.readmits() {
            key.fault = None;
        }
        if let Some(name) = &self.name {
            key.name.clone_from(name);
        }
        if let Some(secret) = &self.secret {
            key.secret_sealed = engine.keys.seal(secret, key.id.into_uuid().as_bytes());
            key.hint = hint(secret);
        }
        key.priority = self.priority.unwrap_or(key.priority);
        key.enabled = self.enabled.unwrap_or(key.enabled);

        self.daily_requests.apply(&mut key.daily_requests);
        self.monthly_requests.apply(&mut key.monthly_requests);
        self.daily_cost.apply(&mut key.daily_cost);
        self.monthly_cost.apply(&mut key.monthly_cost);
        key.updated_at = engine.clock.now();
    }
}

/// The last characters of a secret, if that does not tell too much of it.
fn hint(secret: &SecretString) -> String {
    let secret = secret.expose_secret();
    let hint = secret.len().checked_sub(HINT).filter(|_| secret.len() >= HINTED);
    hint.and_then(|from| secret.get(from..)).unwrap_or_default().to_owned()
}

/// Adds a key to a provider.
///
/// # Errors
///
/// [`ProviderError::Field`] when there is no such provider, [`ProviderError::TooManyKeys`].
pub async fn create(
    engine: &Engine,
    admin: &Admin,
    new: &NewModelKey,
) -> Result<ModelKey, ProviderError> {
    let key = repeated(|| create_once(engine, admin, new)).await?;
    load(engine).await?;
    Ok(key)
}

async fn create_once(
    engine: &Engine,
    admin: &Admin,
    new: &NewModelKey,
) -> Result<ModelKey, ProviderError> {
    let now = engine.clock.now();
    let id: ModelKeyId = engine.clock.id();
    let mut tx = engine.db.begin().await?;
    let address = address_of(engine, &mut tx, &new.provider).await?;
    let unknown = ProviderError::Field { field: "provider", message: "is the name of no provider" };
    let address = address.ok_or(unknown)?;
    if tx.system().model_keys().list().await?.len() >= MOST_KEYS {
        return Err(ProviderError::TooManyKeys);
    }

    let key = ModelKey {
        id,
        provider: new.provider.clone(),
        origin: origin(&address),
        name: new.name.clone(),
        secret_sealed: engine.keys.seal(&new.secret, id.into_uuid().as_bytes()),
        hint: hint(&new.secret),
        priority: new.priority,
        daily_requests: new.daily_requests,
        monthly_requests: new.monthly_requests,
        daily_cost: new.daily_cost,
        monthly_cost: new.monthly_cost,
        enabled: new.enabled,
        fault: None,
        created_at: now,
        updated_at: now,
    };
    tx.system().model_keys().insert(&key).await?;
    let act = act::ModelKeyCreated {
        model_key: id,
        provider: key.provider.clone(),
        name: key.name.clone(),
        hint: key.hint.clone(),
    };
    tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
    tx.commit().await?;
    Ok(key)
}

/// Changes a key.
///
/// # Errors
///
/// [`ProviderError::NotFound`].
pub async fn update(
    engine: &Engine,
    admin: &Admin,
    id: ModelKeyId,
    change: &ModelKeyChange,
) -> Result<ModelKey, ProviderError> {
    let key = repeated(|| update_once(engine, admin, id, change)).await?;
    load(engine).await?;
    if change.readmits() {
        engine.models.readmit(id).await;
    }
    Ok(key)
}

async fn update_once(
    engine: &Engine,
    admin: &Admin,
    id: ModelKeyId,
    change: &ModelKeyChange,
) -> Result<ModelKey, ProviderError> {
    let mut tx = engine.db.begin().await?;
    let found = tx.system().model_keys().lock(id).await?;
    let mut key = found.ok_or(ProviderError::NotFound("key"))?;
    change.apply(engine, &mut key);
    if !tx.system().model_keys().save(&key).await? {
        return Err(ProviderError::NotFound("key"));
    }

    let act = act::ModelKeyUpdated {
        model_key: id,
        name: key.name.clone(),
        hint: key.hint.clone(),
        enabled: key.enabled,
        new_secret: change.secret.is_some(),
    };
    tx.apply(Change::platform_act(&admin.actor(), &act, key.updated_at)).await?;
    tx.commit().await?;
    Ok(key)
}

/// Deletes a model key. Calls in progress continue.
///
/// # Errors
///
/// [`ProviderError::NotFound`].
pub async fn delete(engine: &Engine, admin: &Admin, id: ModelKeyId) -> Result<(), ProviderError> {
    repeated(|| delete_once(engine, admin, id)).await?;
    load(engine).await?;
    Ok(())
}

async fn delete_once(engine: &Engine, admin: &Admin, id: ModelKeyId) -> Result<(), ProviderError> {
    let mut tx = engine.db.begin().await?;
    let found = tx.system().model_keys().lock(id).await?;
    let key = found.ok_or(ProviderError::NotFound("key"))?;
    tx.system().model_keys().delete(id).await?;

    let ModelKey { provider, name, hint, .. } = key;
    let act = act::ModelKeyDeleted { model_key: id, provider, name, hint };
    tx.apply(Change::platform_act(&admin.actor(), &act, engine.clock.now())).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_short_secret_nothing_is_shown() {
        let hint = |text: &str| hint(&SecretString::from(text));
        assert_eq!(hint("sk-0123456789abcdef"), "cdef");
        assert_eq!(hint("0123456789abcdef"), "cdef");
        assert_eq!(hint("0123456789abcde"), "");
    }
}
