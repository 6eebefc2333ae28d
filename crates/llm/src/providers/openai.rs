//! `OpenAI`, and every server that speaks one of its protocols, over HTTP.
//!
//! [`OpenAi::chat`](ChatModel::chat) sends `POST {base_url}/chat/completions` or
//! `{base_url}/responses` with `stream: true` and reads the events as they come.

pub(super) mod completions;
pub(super) mod responses;

use futures::stream::BoxStream;
use secrecy::SecretString;

use super::http::{Auth, Endpoint};
use crate::{
    chat::{ChatModel, ChatRequest, Delta},
    error::ModelError,
    limits::Limits,
};

/// Where a provider is and what it wants to see.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// The key; empty for a server that wants none.
    pub api_key: SecretString,
    /// Everything before `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// The protocols of `OpenAI`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `POST /chat/completions`, which compatible servers speak.
    #[default]
    Completions,
    /// `POST /responses`.
    Responses,
}

/// Models behind a server that speaks a protocol of `OpenAI`, asked with one key.
#[derive(Clone, Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
    protocol: Protocol,
}

impl OpenAi {
    /// A client for the provider, with its own pool of connections.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when `base_url` is not an HTTP URL or no client can be built.
    ///
    /// # Panics
    ///
    /// When the process has no rustls crypto provider.
    pub fn new(config: OpenAiConfig, limits: &Limits) -> Result<Self, ModelError> {
        let OpenAiConfig { api_key, base_url, protocol } = config;
        let path = match protocol {
            Protocol::Completions => "/chat/completions",
            Protocol::Responses => "/responses",
        };
        let endpoint = Endpoint::new(&base_url, path, Auth::Bearer, api_key, limits)?;
        Ok(Self { endpoint, protocol })
    }

    /// The longest answer that is asked for, tokens.
    pub(crate) fn most_tokens(&self, request: &ChatRequest) -> u32 {
        let most = self.endpoint.most_tokens(request);
        match self.protocol {
            Protocol::Completions => most,
            Protocol::Responses => most.max(responses::LEAST),
        }
    }

    /// The same provider asked with another key. The two share their connections and what was
    /// learnt of the models.
    #[must_use]
    pub fn with_key(&self, api_key: SecretString) -> Self {
        Self { endpoint: self.endpoint.with_key(api_key), protocol: self.protocol }
    }
}

impl ChatModel for OpenAi {
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>> {
        match self.protocol {
            Protocol::Completions => {
                self.endpoint.ask(request, completions::body, completions::Completions::default())
            }
            Protocol::Responses => {
                self.endpoint.ask(request, responses::body, responses::Responses::default())
            }
        }
    }
}
