//! Which providers of models there are, with which keys, and how they may be used.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use replyx_core::setting::model_names;
use replyx_llm::{AdmissionLimits, Dialect, ModelsConfig, Prices, Provider, ProviderKey};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::words::{parts, word};

/// What the configuration says of models, secrets aside.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RawModels {
    openai_base_url: String,
    #[serde(deserialize_with = "word")]
    openai_protocol: Dialect,
    anthropic_base_url: String,
    default_model: Option<String>,
    fallback_models: String,
    allowed_models: String,
    prices_file: Option<PathBuf>,
    model_calls_per_provider: u32,
    model_calls_per_workspace: u32,
    model_queue_seconds: u64,
    #[serde(default)]
    providers: Vec<RawProvider>,
}

/// A provider of the operator's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: String,
    #[serde(default = "completions", deserialize_with = "word")]
    protocol: Dialect,
    base_url: String,
    #[serde(default, deserialize_with = "secret")]
    api_key: Option<SecretString>,
    api_key_file: Option<PathBuf>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(SecretString::from))
}

const fn completions() -> Dialect {
    Dialect::Completions
}

impl RawModels {
    /// Name and address of the providers of the operator's own.
    pub(super) fn own_providers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.providers.iter().map(|own| (own.name.as_str(), own.base_url.as_str()))
    }

    /// Where `OpenAI`, or a server that speaks its protocols, is.
    pub(super) fn openai_base_url(&self) -> &str {
        &self.openai_base_url
    }

    /// Joins it with the keys of the environment.
    pub(super) fn join(
        &self,
        openai: Option<&SecretString>,
        anthropic: Option<&SecretString>,
    ) -> anyhow::Result<ModelsConfig> {
        ensure!(
            self.openai_protocol != Dialect::Messages,
            "OPENAI_PROTOCOL must be `completions` or `responses`"
        );

        let mut config = ModelsConfig {
            default_model: self.default_model.clone(),
            fallback_models: parts(&self.fallback_models).map(str::to_owned).collect(),
            allowed_models: model_names(&self.allowed_models).map(str::to_owned).collect(),
            admission: AdmissionLimits {
                provider: self.model_calls_per_provider.max(1),
                workspace: self.model_calls_per_workspace.max(1),
                wait: Duration::from_secs(self.model_queue_seconds),
                ..AdmissionLimits::default()
            },
            prices: match &self.prices_file {
                Some(path) => Prices::with_file(path).context("PRICES_FILE cannot be used")?,
                None => Prices::embedded(),
            },
            ..ModelsConfig::default()
        };

        for (name, protocol, base_url, key) in [
            ("openai", self.openai_protocol, &self.openai_base_url, openai),
            ("anthropic", Dialect::Messages, &self.anthropic_base_url, anthropic),
        ] {
            add(&mut config, name, protocol, base_url, key.cloned(), false)?;
        }

        for own in &self.providers {
            let name = &own.name;
            ensure!(
                config.providers.iter().all(|known| known.name != *name) && name != "extractive",
                "two providers have the name `{name}`"
            );
            let key = own.key()?;
            let keyless = key.is_none();
            add(&mut config, name, own.protocol, &own.base_url, key, keyless)?;
        }

        Ok(config)
    }
}

impl RawProvider {
    fn key(&self) -> anyhow::Result<Option<SecretString>> {
        match (&self.api_key, &self.api_key_file) {
            (Some(_), Some(_)) => {
                bail!("the provider `{}` has both an api_key and an api_key_file", self.name)
            }
            (None, Some(path)) => {
                let text = fs::read_to_string(path).with_context(|| {
                    format!("the api_key_file of the provider `{}` cannot be read", self.name)
                })?;
                Ok(Some(SecretString::from(text.trim())))
            }
            (key, None) => Ok(key.clone()),
        }
    }
}

fn add(
    config: &mut ModelsConfig,
    name: &str,
    protocol: Dialect,
    base_url: &str,
    key: Option<SecretString>,
    keyless: bool,
) -> anyhow::Result<()> {
    let is_word = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    ensure!(
        !name.is_empty() && name.len() <= 40 && name.bytes().all(is_word),
        "a provider's name is made of small letters, digits, `-` and `_`; `{name}` is not"
    );
    let url = Url::parse(base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    ensure!(
        url.is_some_and(|url| url.username().is_empty() && url.password().is_none()),
        "the address of the provider `{name}` must be an http or https URL without a password"
    );
    // The key of one server is nothing for another one.
    let key = key.map(|key| ProviderKey::configured(name, key).for_address(base_url));
    config.keys.extend(key);
    let name = name.to_owned();
    let base_url = base_url.to_owned();
    config.providers.push(Provider { name, protocol, base_url, keyless });
    Ok(())
}
