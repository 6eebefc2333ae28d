//! Providers, and the keys to them.
//!
//! A provider has any number of keys, in an order of priority. What is known of a key (cooling down,
//! refused, spent) is shared by the installation under the key's id; this process remembers until when
//! it need not ask.

use std::time::Duration;

use replyx_core::{ids::ModelKeyId, money::Money};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

mod counters;
mod held;
mod registry;

pub(crate) use counters::Periods;
pub(crate) use held::{HeldKey, Standing};
pub(crate) use registry::{ANTHROPIC, Client, DEFAULT_PROVIDER, Link, Registry, Table};

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
    /// Its name, which may stand before a model's name: `ollama` in `ollama:llama3:8b`. Small letters,
    /// digits, `-` and `_`.
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
    /// The key itself.
    pub secret: SecretString,
    /// Lower ones are used first.
    pub priority: i32,
    /// The most requests in a day (UTC).
    pub daily_requests: Option<u64>,
    /// The most requests in a month (UTC).
    pub monthly_requests: Option<u64>,
    /// The most money in a day (UTC), US dollars. A call that is under way when it is reached goes on.
    pub daily_cost: Option<Money>,
    /// The most money in a month (UTC), US dollars.
    pub monthly_cost: Option<Money>,
    /// May it be used?
    pub enabled: bool,
}

impl ProviderKey {
    /// The key of a provider that the configuration names: its id follows from the provider's name.
    pub fn configured(provider: &str, secret: SecretString) -> Self {
        Self {
            id: configured_id(provider),
            provider: provider.to_owned(),
            secret,
            priority: 0,
            daily_requests: None,
            monthly_requests: None,
            daily_cost: None,
            monthly_cost: None,
            enabled: true,
        }
    }
}

/// The id of the key that the configuration gives a provider: the same in every process and for ever.
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
        /// Which key.
        key: ModelKeyId,
        /// Of which provider.
        provider: String,
    },
    /// The provider asked us to be slower.
    CoolingDown {
        /// Which key.
        key: ModelKeyId,
        /// Of which provider.
        provider: String,
        /// How long it is not used.
        time: Duration,
    },
    /// Its limit, or what has been paid for, is spent.
    Exhausted {
        /// Which key.
        key: ModelKeyId,
        /// Of which provider.
        provider: String,
        /// How long it is not used.
        time: Duration,
    },
}
