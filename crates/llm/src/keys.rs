//! Providers, and the keys to them.
//!
//! A provider has any number of keys, in an order of priority. What is known of a key (cooling
//! down, refused, spent) is shared by the installation under the key's id; this process remembers
//! until when it need not ask.

use std::time::Duration;

use replyx_core::{ids::ModelKeyId, money::Money};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use url::Url;

mod client;
mod counters;
mod held;
mod registry;

pub(crate) use client::Client;
pub(crate) use held::{HeldKey, Standing};
pub(crate) use registry::{ANTHROPIC, DEFAULT_PROVIDER, Link, Registry, Table};

/// The protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `POST {base_url}/chat/completions`: `OpenAI` and most others.
    Completions,
    /// `POST {base_url}/responses`: `OpenAI`.
    Responses,
    /// `POST {base_url}/v1/messages`: Anthropic.
    Messages,
}

/// A server with models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name, which may stand before a model's name: `ollama` in `ollama:llama3:8b`. Small
    /// letters, digits, `-` and `_`.
    pub name: String,
    /// What it speaks.
    pub protocol: Dialect,
    /// Everything before the path of the protocol, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// Does it answer without a key? Then it is asked without one while it has none.
    pub keyless: bool,
}

/// A key to a provider.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// Identity.
    pub id: ModelKeyId,
    /// The name of the provider.
    pub provider: String,
    /// The [`origin`] to which it belongs: while the provider is somewhere else it is not used.
    /// `None`: it belongs to wherever the provider is.
    pub origin: Option<String>,
    /// The key itself.
    pub secret: SecretString,
    /// Lower ones are used first.
    pub priority: i32,
    /// The most requests in a day (UTC).
    pub daily_requests: Option<u64>,
    /// The most requests in a month (UTC).
    pub monthly_requests: Option<u64>,
    /// The most money in a day (UTC), US dollars. What a call may cost is set aside before it is
    /// made.
    pub daily_cost: Option<Money>,
    /// The most money in a month (UTC), US dollars.
    pub monthly_cost: Option<Money>,
    /// Whether it may be used.
    pub enabled: bool,
}

impl ProviderKey {
    /// The key of a provider that the configuration names: its id follows from the provider's name.
    pub fn configured(provider: &str, secret: SecretString) -> Self {
        Self {
            id: configured_id(provider),
            provider: provider.to_owned(),
            origin: None,
            secret,
            priority: 0,
            daily_requests: None,
            monthly_requests: None,
            daily_cost: None,
            monthly_cost: None,
            enabled: true,
        }
    }

    /// The same key, which belongs to the origin of this address.
    #[must_use]
    pub fn for_address(self, base_url: &str) -> Self {
        // What is no address is nobody's.
        Self { origin: Some(origin(base_url).unwrap_or_default()), ..self }
    }

    /// Is what it may spend limited?
    pub(crate) const fn limits_money(&self) -> bool {
        self.daily_cost.is_some() || self.monthly_cost.is_some()
    }

    /// Is anything limited?
    pub(crate) const fn is_limited(&self) -> bool {
        self.limits_money() || self.daily_requests.is_some() || self.monthly_requests.is_some()
    }

    /// May it be shown to a server at this address?
    fn belongs_to(&self, base_url: &str) -> bool {
        self.origin.as_ref().is_none_or(|own| origin(base_url).as_ref() == Some(own))
    }
}

/// The origin of an address, to which a key belongs: scheme, host and port. `None`: it has none.
pub fn origin(base_url: &str) -> Option<String> {
    let url = Url::parse(base_url.trim()).ok()?;
    let host = url.host_str()?;
    let port = url.port_or_known_default()?;
    Some(format!("{}://{host}:{port}", url.scheme()))
}

/// The id of the key that the configuration gives a provider: the same in every process and for
/// ever.
pub fn configured_id(provider: &str) -> ModelKeyId {
    let digest = Sha256::digest(format!("model key of the configuration: {provider}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ModelKeyId::from(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// What a key has been used for in the current day and month (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Requests today.
    pub day_requests: u64,
    /// US dollars today.
    pub day_cost: Money,
    /// Requests this month.
    pub month_requests: u64,
    /// US dollars this month.
    pub month_cost: Money,
}

/// Something an admin wants to know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// The provider does not accept it: it is not used until its secret changes, or
    /// [`Models::readmit`](crate::Models::readmit).
    Refused {
        /// The key.
        key: ModelKeyId,
        /// The provider.
        provider: String,
    },
    /// The provider asked us to be slower.
    CoolingDown {
        /// The key.
        key: ModelKeyId,
        /// The provider.
        provider: String,
        /// How long it is not used.
        time: Duration,
    },
    /// Its limit, or what has been paid for, is spent.
    Exhausted {
        /// The key.
        key: ModelKeyId,
        /// The provider.
        provider: String,
        /// How long it is not used.
        time: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_scheme_host_and_port() {
        let key = ProviderKey::configured("openai", SecretString::from("sk"))
            .for_address("https://api.openai.com/v1");
        for same in [
            "https://api.openai.com/v1/",
            "https://API.openai.com:443/v2",
            " https://api.openai.com",
        ] {
            assert!(key.belongs_to(same), "{same}");
        }
        for other in [
            "http://api.openai.com/v1",
            "https://api.openai.com:8443/v1",
            "https://api.openai.com./v1",
            "https://api.openai.com.evil.example/v1",
            "https://evil.example/api.openai.com",
            "https://api.openai.com@evil.example/v1",
            "https://\u{430}pi.openai.com/v1",
            "",
        ] {
            assert!(!key.belongs_to(other), "{other}");
        }
        let anywhere = ProviderKey::configured("openai", SecretString::from("sk"));
        assert!(anywhere.belongs_to("https://evil.example"));
        assert!(!anywhere.for_address("nonsense").belongs_to("nonsense"));
    }
}
