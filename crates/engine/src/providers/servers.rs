//! What platform admins do with servers of models, beside those of the configuration. A change
//! holds here when it returns; the other processes hear of it.

use std::net::IpAddr;

use replyx_core::{act, actor::Admin, change::Change};
use replyx_llm::Dialect;
use replyx_storage::{StorageError, Tx, model_keys::ModelProvider, repeated};
use url::{Host, Url};

use super::{ProviderError, dialect_name, error::MOST_PROVIDERS, load, origin};
use crate::Engine;

/// The longest name, bytes.
const LONGEST_NAME: usize = 40;
/// The model that is no provider's.
const EXTRACTIVE: &str = "extractive";

/// A provider as it was added or changed.
#[derive(Clone, Debug)]
pub struct ChangedProvider {
    /// The provider.
    pub provider: ModelProvider,
    /// How many keys were deleted, because they belong to another origin.
    pub dropped_keys: u64,
}

/// Adds a provider, or changes the one of this name. A key belongs to an origin: with another
/// scheme, host or port the keys that were added for the provider are deleted.
///
/// # Errors
///
/// [`ProviderError::Field`] for a name or an address that is not acceptable,
/// [`ProviderError::TooManyProviders`].
pub async fn set(
    engine: &Engine,
    admin: &Admin,
    name: &str,
    protocol: Dialect,
    base_url: &str,
) -> Result<ChangedProvider, ProviderError> {
    if !is_name(name) {
        let message = "must be 1 to 40 small letters, digits, `-` and `_`, and not `extractive`";
        return Err(ProviderError::Field { field: "name", message });
    }
    let base_url =
        address(base_url).map_err(|message| ProviderError::Field { field: "base_url", message })?;

    let changed = repeated(|| set_once(engine, admin, name, protocol, &base_url)).await?;
    load(engine).await?;
    Ok(changed)
}

async fn set_once(
    engine: &Engine,
    admin: &Admin,
    name: &str,
    protocol: Dialect,
    base_url: &str,
) -> Result<ChangedProvider, ProviderError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let known = tx.system().model_keys().providers().await?;
    let before = known.iter().find(|provider| provider.name == name);
    if before.is_none() && known.len() >= MOST_PROVIDERS {
        return Err(ProviderError::TooManyProviders);
    }

    // A key belongs to an origin: a server at another origin was not given it.
    let old = address_of(engine, &mut tx, name).await?;
    let moves = old.is_some_and(|old| origin(&old) != origin(base_url));
    let dropped_keys = if moves { tx.system().model_keys().delete_of(name).await? } else { 0 };
    let provider = ModelProvider {
        name: name.to_owned(),
        protocol: dialect_name(protocol).to_owned(),
        base_url: base_url.to_owned(),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    };
    tx.system().model_keys().put_provider(&provider).await?;

    let act = act::ModelProviderSet {
        model_provider: provider.name.clone(),
        protocol: provider.protocol.clone(),
        base_url: provider.base_url.clone(),
        dropped_keys,
    };
    tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
    tx.commit().await?;
    Ok(ChangedProvider { provider, dropped_keys })
}

/// Deletes a provider that was added, with the keys that were added for it. If the configuration
/// has a provider of this name, that one is used again.
///
/// # Errors
///
/// [`ProviderError::NotFound`].
pub async fn delete(engine: &Engine, admin: &Admin, name: &str) -> Result<(), ProviderError> {
    repeated(|| delete_once(engine, admin, name)).await?;
    load(engine).await?;
    Ok(())
}

async fn delete_once(engine: &Engine, admin: &Admin, name: &str) -> Result<(), ProviderError> {
    let mut tx = engine.db.begin().await?;
    if !tx.system().model_keys().delete_provider(name).await? {
        return Err(ProviderError::NotFound("provider"));
    }
    let act = act::ModelProviderDeleted { model_provider: name.to_owned() };
    tx.apply(Change::platform_act(&admin.actor(), &act, engine.clock.now())).await?;
    tx.commit().await?;
    Ok(())
}

/// Where a provider is: as an admin has set it, else as the configuration says. `None`: there is
/// none of this name.
pub(super) async fn address_of(
    engine: &Engine,
    tx: &mut Tx,
    name: &str,
) -> Result<Option<String>, StorageError> {
    let added = tx.system().model_keys().providers().await?;
    if let Some(added) = added.into_iter().find(|provider| provider.name == name) {
        return Ok(Some(added.base_url));
    }
    // Of two with one name the later counts.
    let mut configured = engine.models.configured().iter();
    let configured = configured.rfind(|provider| provider.name == name);
    Ok(configured.map(|provider| provider.base_url.clone()))
}

/// Can this be the name of a provider?
fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_word) && name != EXTRACTIVE
}

/// An address as it is stored, or what is wrong with it. Without TLS only servers of one's own
/// network are asked: a key would be read by everybody on the way.
fn address(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "must be a URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold credentials");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have neither a query nor a fragment");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_own(&url) => {}
        "http" => return Err("must be `https`: only servers of your own network may be `http`"),
        _ => return Err("must be `https`"),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Is it a host of one's own network? Names without a dot mean something only inside one.
fn is_own(url: &Url) -> bool {
    let address: IpAddr = match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let top = name.rsplit_once('.').map_or("", |(_, top)| top);
            return !name.contains('.')
                || ["localhost", "local", "internal", "lan", "home"].contains(&top);
        }
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.to_ipv4_mapped().map_or(address.into(), IpAddr::from),
        None => return false,
    };
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_cross_the_internet_in_the_clear() {
        for good in [
            "https://api.example.org/v1",
            "http://127.0.0.1:11434/v1",
            "http://localhost:11434",
            "http://ollama:11434/v1",
            "http://10.1.2.3/v1",
            "http://192.168.0.9",
            "http://[::1]:8080/v1",
            "http://[fd00::1]/v1",
            "http://models.internal/v1",
        ] {
            assert_eq!(address(good).as_deref(), Ok(good.trim_end_matches('/')), "{good}");
        }
        assert_eq!(address(" https://api.example.org/v1/ ").unwrap(), "https://api.example.org/v1");
        for bad in [
            "",
            "api.example.org",
            "ftp://example.org",
            "file:///etc/passwd",
            "http://api.example.org/v1",
            "http://8.8.8.8/v1",
            "http://169.254.169.254/latest",
            "http://[::ffff:8.8.8.8]/",
            "https://user:key@example.org/v1",
            "https://example.org/v1?key=1",
            "https://example.org/v1#x",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_can_stand_before_a_model() {
        for good in ["ollama", "my-gpu_2", "openai"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Ollama", "a:b", "a b", "extractive", "ключ"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(!is_name(&"a".repeat(41)));
    }
}
