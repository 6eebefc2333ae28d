//! Servers of models that admins add, beside those of the configuration.

pub mod delete;
pub mod list;
pub mod set;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use replyx_storage::{StorageError, Tx, model_keys::ModelProvider};
use serde::Serialize;
use url::{Host, Url};
use utoipa::ToSchema;

use crate::state::AppState;

/// The longest name, bytes.
const LONGEST_NAME: usize = 40;
/// The model that is no provider's.
const EXTRACTIVE: &str = "extractive";

/// A server of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelProviderView {
    /// Its name, which may stand before a model's name: `ollama` in `ollama:llama3:8b`.
    #[schema(example = "ollama")]
    name: String,
    /// What it speaks: `completions`, `responses` or `messages`.
    #[schema(example = "completions")]
    protocol: String,
    /// Everything before the path of the protocol.
    #[schema(example = "http://127.0.0.1:11434/v1")]
    base_url: String,
    /// Whether it is built in or configured, so that it cannot be deleted here.
    configured: bool,
    /// How many keys were deleted by this change, because they belong to another origin: scheme,
    /// host or port of the address differ. 0 unless the address was changed.
    #[schema(example = 0)]
    dropped_keys: u64,
    /// When it was added here.
    created_at: Option<DateTime<Utc>>,
    /// When it was last changed here.
    updated_at: Option<DateTime<Utc>>,
}

impl ModelProviderView {
    fn added(provider: ModelProvider, configured: bool) -> Self {
        Self {
            name: provider.name,
            protocol: provider.protocol,
            base_url: provider.base_url,
            configured,
            dropped_keys: 0,
            created_at: Some(provider.created_at),
            updated_at: Some(provider.updated_at),
        }
    }
}

/// Where a provider is: as an admin has set it, else as the configuration says. `None`: there is
/// none of this name.
pub(crate) async fn address_of(
    state: &AppState,
    tx: &mut Tx,
    name: &str,
) -> Result<Option<String>, StorageError> {
    let added = tx.system().model_keys().providers().await?;
    if let Some(added) = added.into_iter().find(|provider| provider.name == name) {
        return Ok(Some(added.base_url));
    }
    // Of two with one name the later counts.
    let mut configured = state.engine.models.configured().iter();
    let configured = configured.rfind(|provider| provider.name == name);
    Ok(configured.map(|provider| provider.base_url.clone()))
}

/// Can this be the name of a provider?
pub(crate) fn is_name(name: &str) -> bool {
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
