//! Claude, over HTTP.
//!
//! [`Anthropic::chat`](ChatModel::chat) sends `POST {base_url}/v1/messages` with `stream: true` and
//! reads the events as they come.

pub(super) mod messages;

use futures::stream::BoxStream;
use secrecy::SecretString;

use super::http::{Auth, Endpoint};
use crate::{
    chat::{ChatModel, ChatRequest, Delta},
    error::ModelError,
    limits::Limits,
};

/// The version of the protocol
/// (<https://platform.claude.com/docs/en/api/versioning>).
const VERSION: &str = "2023-06-01";

/// Where the provider is and what it wants to see.
#[derive(Clone, Debug)]
pub struct AnthropicConfig {
    /// The key.
    pub api_key: SecretString,
    /// Everything before `/v1/messages`; see [`AnthropicConfig::BASE_URL`].
    pub base_url: String,
}

impl AnthropicConfig {
    /// Where Anthropic is.
    pub const BASE_URL: &str = "https://api.anthropic.com";
}

/// Models behind a server that speaks the messages protocol, asked with one key.
#[derive(Clone, Debug)]
pub struct Anthropic {
    endpoint: Endpoint,
}

impl Anthropic {
    /// A client for the provider, with its own pool of connections.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when `base_url` is not an HTTP URL or no client can be built.
    ///
    /// # Panics
    ///
    /// When the process has no rustls crypto provider.
    pub fn new(config: AnthropicConfig, limits: &Limits) -> Result<Self, ModelError> {
        let AnthropicConfig { api_key, base_url } = config;
        // Some write the base with the version that every other provider's has.
        let base = base_url.trim().trim_end_matches('/').trim_end_matches("/v1");
        let endpoint = Endpoint::new(base, "/v1/messages", Auth::ApiKey, api_key, limits)?;
        Ok(Self { endpoint: endpoint.header("anthropic-version", VERSION) })
    }

    /// The longest answer that is asked for, tokens.
    pub(crate) fn most_tokens(&self, request: &ChatRequest) -> u32 {
        self.endpoint.most_tokens(request).max(1)
    }

    /// The same provider asked with another key. The two share their connections and what was
    /// learnt of the models.
    #[must_use]
    pub fn with_key(&self, api_key: SecretString) -> Self {
        Self { endpoint: self.endpoint.with_key(api_key) }
    }
}

impl ChatModel for Anthropic {
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>> {
        self.endpoint.ask(request, messages::body, messages::Messages::default())
    }
}
