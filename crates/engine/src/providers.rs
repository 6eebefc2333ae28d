//! The providers and keys that admins add while the program runs: from the tables into
//! [`Models`](replyx_llm::Models).
//!
//! What the tables hold comes beside what the configuration names. One that cannot be used (a
//! secret that does not open) is left out and logged; it never keeps the others from being used.

mod error;
pub mod keys;
pub mod servers;

use std::error::Error;

use chrono::Datelike;
use replyx_core::{
    ids::ModelKeyId,
    setting::{ALLOWED_MODELS, SettingKind, model_names},
};
pub use replyx_llm::origin;
use replyx_llm::{Dialect, KeyUse, Provider, ProviderKey};
use replyx_storage::{
    StorageError,
    model_calls::KeyUsage,
    model_keys::{ModelKey, ModelProvider},
};
use tokio::sync::Mutex;

pub use error::ProviderError;

use crate::Engine;

/// Of two that read, the later one must not be overtaken by the earlier.
static LOADING: Mutex<()> = Mutex::const_new(());

/// Makes the models use the current tables.
///
/// # Errors
///
/// Fails when the database does; then everything stays as it was.
pub async fn load(engine: &Engine) -> Result<(), StorageError> {
    let _alone = LOADING.lock().await;
    let mut tx = engine.db.read().await?;
    let providers = tx.system().model_keys().providers().await?;
    let keys = tx.system().model_keys().list().await?;
    let settings = tx.system().settings().all().await?;
    drop(tx);
    engine.models.set_allowed(allowed(settings));
    let providers = providers.into_iter().filter_map(provider).collect();
    let keys = keys.into_iter().filter_map(|found| key(engine, found)).collect();
    let used = engine.models.set_providers(providers).and_then(|()| engine.models.set_keys(keys));
    if let Err(error) = used {
        tracing::error!(error = &error as &dyn Error, "model providers or keys cannot be used");
    }
    Ok(())
}

/// Gives keys that are older than the rule that a key belongs to an origin the origin at which
/// their provider is now.
pub async fn adopt(engine: &Engine) -> Result<(), StorageError> {
    let keys = engine.db.read().await?.system().model_keys().list().await?;
    if keys.iter().all(|key| key.origin.is_some()) {
        return Ok(());
    }
    let mut tx = engine.db.begin().await?;
    let added = tx.system().model_keys().providers().await?;
    for key in keys.iter().filter(|key| key.origin.is_none()) {
        let Some(mut found) = tx.system().model_keys().lock(key.id).await? else { continue };
        let added = added.iter().find(|provider| provider.name == found.provider);
        let mut configured = engine.models.configured().iter();
        let configured = configured.rfind(|provider| provider.name == found.provider);
        let address = added
            .map(|provider| provider.base_url.as_str())
            .or(configured.map(|provider| provider.base_url.as_str()));
        found.origin = address.and_then(origin);
        tx.system().model_keys().save(&found).await?;
    }
    tx.commit().await.map(drop)
}

/// The models that an admin allows; `None`: the configuration says.
fn allowed(settings: Vec<(String, String)>) -> Option<Vec<String>> {
    let is_good = |value: &String| SettingKind::Models.check(value).is_ok();
    let found = settings.into_iter().find(|(name, _)| name == ALLOWED_MODELS);
    let value = found.map(|(_, value)| value).filter(is_good)?;
    Some(model_names(&value).map(str::to_owned).collect())
}

/// Tells the models what every key has been used for today and this month (UTC): from now on the
/// limits of keys are known.
pub async fn seed(engine: &Engine) -> Result<(), StorageError> {
    let today = engine.clock.now().date_naive();
    let used = engine.db.read().await?.system().model_calls().by_key(today).await?;
    for usage in used {
        engine.models.seed_usage(ModelKeyId::from(usage.key_id), key_use(&usage)).await;
    }
    engine.models.trust();
    seed_search(engine).await
}

/// The same of what embedding and reranking have cost.
async fn seed_search(engine: &Engine) -> Result<(), StorageError> {
    let Some(purse) = engine.embeddings.purse().filter(|purse| purse.is_limited()) else {
        return Ok(());
    };
    let today = engine.clock.now().date_naive();
    let first = today.with_day(1).unwrap_or(today);
    let model = engine.embeddings.model().unwrap_or_default();
    let mut tx = engine.db.read().await?;
    let spent_today = tx.system().model_calls().search_cost(today, today, model).await?;
    let this_month = tx.system().model_calls().search_cost(first, today, model).await?;
    drop(tx);
    purse.seed(spent_today, this_month).await;
    Ok(())
}

fn key_use(usage: &KeyUsage) -> KeyUse {
    KeyUse {
        day_requests: u64::try_from(usage.day_requests).unwrap_or(0),
        day_cost: usage.day_cost,
        month_requests: u64::try_from(usage.month_requests).unwrap_or(0),
        month_cost: usage.month_cost,
    }
}

/// The protocol of this name.
pub fn dialect(name: &str) -> Option<Dialect> {
    match name {
        "completions" => Some(Dialect::Completions),
        "responses" => Some(Dialect::Responses),
        "messages" => Some(Dialect::Messages),
        _ => None,
    }
}

/// The name of a protocol.
pub const fn dialect_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Completions => "completions",
        Dialect::Responses => "responses",
        Dialect::Messages => "messages",
    }
}

fn provider(found: ModelProvider) -> Option<Provider> {
    let Some(protocol) = dialect(&found.protocol) else {
        tracing::error!(model.provider = found.name, "unknown protocol of a model provider");
        return None;
    };
    // A server of one's own network, such as Ollama: only those may be reached without TLS.
    let keyless = found.base_url.starts_with("http://");
    Some(Provider { name: found.name, protocol, base_url: found.base_url, keyless })
}

fn key(engine: &Engine, found: ModelKey) -> Option<ProviderKey> {
    let secret = match engine.keys.open(&found.secret_sealed, found.id.into_uuid().as_bytes()) {
        Ok(secret) => secret,
        Err(error) => {
            let error = &error as &dyn Error;
            tracing::error!(key.id = %found.id, error, "could not decrypt the secret of a model key");
            return None;
        }
    };
    let most = |limit: Option<i64>| limit.map(|limit| u64::try_from(limit).unwrap_or(0));
    Some(ProviderKey {
        id: found.id,
        provider: found.provider,
        origin: found.origin,
        secret,
        priority: i32::try_from(found.priority).unwrap_or(i32::MAX),
        daily_requests: most(found.daily_requests),
        monthly_requests: most(found.monthly_requests),
        daily_cost: found.daily_cost,
        monthly_cost: found.monthly_cost,
        enabled: found.enabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_found_by_its_name() {
        for one in [Dialect::Completions, Dialect::Responses, Dialect::Messages] {
            assert_eq!(dialect(dialect_name(one)), Some(one));
        }
        assert_eq!(dialect("Completions"), None);
    }
}
