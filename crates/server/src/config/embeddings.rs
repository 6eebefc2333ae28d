//! Which model gives texts their vectors, and where it is.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use replyx_core::money::Money;
use replyx_llm::{
    EmbedEndpoint, EmbeddingsConfig, Limits, Prices, RerankConfig, Reranker, SpendingLimit,
    configured_id, origin,
};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// The provider of chat models whose protocol servers of embeddings speak, and under which they
/// stand in the ledger.
const CHAT: &str = "openai";

/// What the configuration says of embeddings, secrets aside.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RawEmbeddings {
    embedding_model: Option<String>,
    embedding_base_url: Option<String>,
    model_dir: Option<PathBuf>,
    rerank_model: Option<String>,
    rerank_base_url: Option<String>,
    rerank_timeout_ms: u64,
    search_daily_cost: Option<String>,
    search_monthly_cost: Option<String>,
}

/// The server of chat models, which embeds as well unless another one does.
pub(super) struct Chat<'a> {
    pub(super) key: Option<&'a SecretString>,
    pub(super) base_url: &'a str,
}

impl RawEmbeddings {
    /// Where the file of the offline model is looked for.
    pub(super) fn model_dir(&self, data_dir: &Path) -> PathBuf {
        self.model_dir.clone().unwrap_or_else(|| data_dir.join("models"))
    }

    /// The file of the model stays where it is, wherever data will be.
    pub(super) fn settle(&mut self, data_dir: &Path) {
        self.model_dir = Some(self.model_dir(data_dir));
    }

    /// Joins it with the keys of the environment.
    pub(super) fn join(
        &self,
        data_dir: &Path,
        key: Option<&SecretString>,
        chat: &Chat<'_>,
        prices: Prices,
    ) -> anyhow::Result<EmbeddingsConfig> {
        Ok(EmbeddingsConfig {
            model: self.embedding_model.clone(),
            model_dir: self.model_dir(data_dir),
            endpoint: self.endpoint(key, chat)?,
            limits: Limits::default(),
            prices,
        })
    }

    /// Who puts the best passages into order, if anybody does.
    pub(super) fn reranker(
        &self,
        key: Option<&SecretString>,
        prices: Prices,
    ) -> anyhow::Result<Option<Reranker>> {
        let (model, base_url) = match (&self.rerank_model, &self.rerank_base_url) {
            (None, None) => return Ok(None),
            (Some(model), Some(base_url)) => (model.clone(), base_url.clone()),
            _ => bail!("RERANK_MODEL and RERANK_BASE_URL belong together"),
        };
        let url = Url::parse(&base_url).context("RERANK_BASE_URL is not a URL")?;
        ensure!(
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none(),
            "RERANK_BASE_URL must be an http or https URL without a password"
        );
        let patience = Duration::from_millis(self.rerank_timeout_ms);
        let api_key = key.cloned().unwrap_or_default();
        let config = RerankConfig { base_url, model, api_key, patience, prices };
        Ok(Some(Reranker::new(config, &Limits::default())?))
    }

    /// What embedding and reranking may cost.
    pub(super) fn spending_limit(&self) -> anyhow::Result<SpendingLimit> {
        Ok(SpendingLimit {
            daily: dollars("SEARCH_DAILY_COST", self.search_daily_cost.as_deref())?,
            monthly: dollars("SEARCH_MONTHLY_COST", self.search_monthly_cost.as_deref())?,
        })
    }

    fn endpoint(
        &self,
        key: Option<&SecretString>,
        chat: &Chat<'_>,
    ) -> anyhow::Result<Option<EmbedEndpoint>> {
        let Some(base_url) = &self.embedding_base_url else {
            let key_id = key.is_none().then(|| configured_id(CHAT));
            return Ok(key.or(chat.key).map(|key| EmbedEndpoint {
                api_key: key.clone(),
                base_url: chat.base_url.to_owned(),
                provider: CHAT.to_owned(),
                key_id,
            }));
        };
        let url = Url::parse(base_url).context("EMBEDDING_BASE_URL is not a URL")?;
        ensure!(
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none(),
            "EMBEDDING_BASE_URL must be an http or https URL without a password"
        );
        ensure!(
            self.embedding_model.is_some(),
            "EMBEDDING_BASE_URL is set: say in EMBEDDING_MODEL which model to ask for there"
        );
        // The key of one server is nothing for another one.
        let same = origin(base_url).is_some() && origin(base_url) == origin(chat.base_url);
        let key_id = (key.is_none() && same && chat.key.is_some()).then(|| configured_id(CHAT));
        let api_key = key.or(chat.key.filter(|_| same)).cloned().unwrap_or_default();
        let provider = CHAT.to_owned();
        Ok(Some(EmbedEndpoint { api_key, base_url: base_url.clone(), provider, key_id }))
    }
}

/// An amount of money, if one is given.
fn dollars(name: &str, text: Option<&str>) -> anyhow::Result<Option<Money>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let amount = text.parse().ok().filter(|amount| *amount >= Money::ZERO);
    amount.map(Some).with_context(|| {
        format!("{name} `{text}` is not an amount of US dollars such as `5` or `0.50`")
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn endpoint(base_url: Option<&str>, key: Option<&str>, chat: Option<&str>) -> Option<String> {
        let raw = RawEmbeddings {
            embedding_model: Some("m".to_owned()),
            embedding_base_url: base_url.map(str::to_owned),
            model_dir: None,
            rerank_model: None,
            rerank_base_url: None,
            rerank_timeout_ms: 2_000,
            search_daily_cost: None,
            search_monthly_cost: None,
        };
        let key = key.map(SecretString::from);
        let chat = chat.map(SecretString::from);
        let chat = Chat { key: chat.as_ref(), base_url: "https://chat.example/v1" };
        let endpoint = raw.endpoint(key.as_ref(), &chat).unwrap()?;
        Some(format!("{} {}", endpoint.base_url, endpoint.api_key.expose_secret()))
    }

    #[test]
    fn the_server_of_chat_models_embeds_unless_another_one_does() {
        assert_eq!(endpoint(None, None, None), None);
        let same = "https://chat.example/v1";
        assert_eq!(endpoint(None, None, Some("c")), Some(format!("{same} c")));
        assert_eq!(endpoint(None, Some("e"), Some("c")), Some(format!("{same} e")));
        assert_eq!(endpoint(Some(same), None, Some("c")), Some(format!("{same} c")));
    }

    #[test]
    fn a_key_is_not_shown_to_another_server() {
        let other = "http://127.0.0.1:9";
        assert_eq!(endpoint(Some(other), None, Some("c")), Some(format!("{other} ")));
        assert_eq!(endpoint(Some(other), Some("e"), Some("c")), Some(format!("{other} e")));
    }

    #[test]
    fn a_limit_is_an_amount_of_dollars_or_nothing() {
        assert_eq!(dollars("X", None).unwrap(), None);
        assert_eq!(dollars("X", Some(" ")).unwrap(), None);
        assert_eq!(dollars("X", Some("0")).unwrap(), Some(Money::ZERO));
        assert_eq!(dollars("X", Some("2.50")).unwrap(), Some(Money::from_micros(2_500_000)));
        for wrong in ["-1", "five", "1,5", "1e3", "$5"] {
            assert!(dollars("X", Some(wrong)).unwrap_err().to_string().contains(wrong));
        }
    }
}
