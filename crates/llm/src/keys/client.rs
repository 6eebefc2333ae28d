use futures::stream::BoxStream;
use secrecy::SecretString;

use super::{Dialect, Provider, ProviderKey};
use crate::{
    chat::{ChatModel, ChatRequest, Delta},
    error::ModelError,
    limits::Limits,
    providers::{
        anthropic::{Anthropic, AnthropicConfig},
        extractive::Extractive,
        openai::{OpenAi, OpenAiConfig, Protocol},
    },
};

/// A client of a provider, for one key.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    Extractive,
    OpenAi(OpenAi),
    Anthropic(Anthropic),
}

impl Client {
    pub(super) fn new(provider: &Provider, limits: &Limits) -> Result<Self, ModelError> {
        let api_key = SecretString::from("");
        let base_url = provider.base_url.clone();
        let openai = |protocol| {
            let config =
                OpenAiConfig { api_key: api_key.clone(), base_url: base_url.clone(), protocol };
            OpenAi::new(config, limits).map(Self::OpenAi)
        };
        match provider.protocol {
            Dialect::Completions => openai(Protocol::Completions),
            Dialect::Responses => openai(Protocol::Responses),
            Dialect::Messages => {
                Anthropic::new(AnthropicConfig { api_key, base_url }, limits).map(Self::Anthropic)
            }
        }
    }

    pub(super) fn with_key(&self, key: &ProviderKey) -> Self {
        match self {
            Self::Extractive => Self::Extractive,
            Self::OpenAi(openai) => Self::OpenAi(openai.with_key(key.secret.clone())),
            Self::Anthropic(anthropic) => Self::Anthropic(anthropic.with_key(key.secret.clone())),
        }
    }

    /// The longest answer that is asked for, tokens, with what a model may think beforehand.
    pub(crate) fn most_tokens(&self, request: &ChatRequest) -> u32 {
        match self {
            Self::Extractive => request.max_tokens,
            Self::OpenAi(openai) => openai.most_tokens(request),
            Self::Anthropic(anthropic) => anthropic.most_tokens(request),
        }
    }

    pub(crate) fn chat(
        &self,
        request: &ChatRequest,
    ) -> BoxStream<'static, Result<Delta, ModelError>> {
        match self {
            Self::Extractive => Extractive.chat(request),
            Self::OpenAi(openai) => openai.chat(request),
            Self::Anthropic(anthropic) => anthropic.chat(request),
        }
    }
}
