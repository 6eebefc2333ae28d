//! Texts become vectors that are near each other when the texts mean the same.
//!
//! [`Embeddings`] is the installation's: one model for what is new, and every other it can still
//! ask about what was embedded earlier. The offline model needs nothing but its file; others are
//! asked over HTTP. Without any, [`Embeddings::model`] is `None` and [`Embeddings::state`] says
//! why: search goes by words alone.

use std::{path::PathBuf, sync::Arc};

use moka::sync::Cache;

use crate::{
    book::Book,
    chat::{Caller, Spent},
    error::ModelError,
    limits::Limits,
    prices::Prices,
    providers::embeddings::OpenAiEmbeddings,
    purse::Purse,
};

mod lane;
mod offline;

pub use crate::providers::embeddings::{EmbedEndpoint, Embedded};
use offline::Offline;
pub use replyx_e5::{FILE as OFFLINE_FILE, NAME as OFFLINE};

/// The model that is chosen where a key is there and the offline model is not.
const OPENAI_DEFAULT: &str = "text-embedding-3-small";
/// Vectors of questions that are kept, bytes.
const KEPT: u64 = 16 * 1024 * 1024;

/// The vector of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedQuestion {
    /// Of unit length.
    pub vector: Arc<[f32]>,
    /// What a provider charges for it; `None`: nobody was asked.
    pub spent: Option<Spent>,
}

/// Which embedding models there are.
#[derive(Clone, Debug, Default)]
pub struct EmbeddingsConfig {
    /// The model for what is new: a name, `none`, or unset: the offline one if its file is there,
    /// else that of the endpoint if there is one.
    pub model: Option<String>,
    /// Where the file of the offline model is.
    pub model_dir: PathBuf,
    /// The provider that embeds over HTTP.
    pub endpoint: Option<EmbedEndpoint>,
    /// The bounds of asking over HTTP.
    pub limits: Limits,
    /// What it costs.
    pub prices: Prices,
}

/// How embedding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingState {
    /// The model for what is new.
    pub model: Option<String>,
    /// Why there is none, or why it does not work, in a sentence for the operator of the
    /// installation.
    pub reason: Option<String>,
    /// Is the offline model in memory?
    pub loaded: bool,
}

/// The embedding models of the installation. One per process, shared by all assistants.
#[derive(Debug)]
pub struct Embeddings {
    model: Option<String>,
    reason: Option<String>,
    offline: Option<Offline>,
    endpoint: Option<OpenAiEmbeddings>,
    purse: Option<Purse>,
    questions: Cache<(String, String), Arc<[f32]>>,
}

impl Embeddings {
    /// Looks which models there are. Nothing is loaded and nobody is asked.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when the endpoint's settings cannot be used.
    ///
    /// # Panics
    ///
    /// When an endpoint is configured and the process has no rustls crypto provider.
    pub fn new(config: EmbeddingsConfig) -> Result<Self, ModelError> {
        let found = Offline::find(&config.model_dir);
        let endpoint = config
            .endpoint
            .map(|endpoint| OpenAiEmbeddings::new(endpoint, &config.limits, config.prices))
            .transpose()?;
        let (offline, missing) = match found {
            Ok(offline) => (Some(offline), None),
            Err(why) => (None, Some(why)),
        };
        let wished = config.model.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let (model, reason) = match (wished, &endpoint) {
            (Some("none"), _) => (None, Some("EMBEDDING_MODEL is `none`".to_owned())),
            (Some(OFFLINE), _) | (None, None) if offline.is_none() => (None, missing),
            (Some(OFFLINE), _) => (Some(OFFLINE.to_owned()), None),
            (None, _) if offline.is_some() => (Some(OFFLINE.to_owned()), None),
            (None, _) => (Some(OPENAI_DEFAULT.to_owned()), None),
            (Some(name), Some(_)) => (Some(name.to_owned()), None),
            (Some(name), None) => {
                (None, Some(format!("there is no key for the embedding model `{name}`")))
            }
        };
        Ok(Self { model, reason, offline, endpoint, ..Self::none() })
    }

    /// The same models, whose calls are written down.
    #[must_use]
    pub fn recorded(self, book: Book) -> Self {
        Self { endpoint: self.endpoint.map(|endpoint| endpoint.recorded(book)), ..self }
    }

    /// The same models, whose calls are paid from a purse.
    #[must_use]
    pub fn paid_from(self, purse: Purse) -> Self {
        let endpoint = self.endpoint.map(|endpoint| endpoint.paid_from(purse.clone()));
        Self { endpoint, purse: Some(purse), ..self }
    }

    /// What pays for the calls.
    pub const fn purse(&self) -> Option<&Purse> {
        self.purse.as_ref()
    }

    /// No model: search goes by words alone.
    pub fn none() -> Self {
        let weigh = |(model, text): &(String, String), vector: &Arc<[f32]>| {
            u32::try_from(model.len() + text.len() + vector.len() * 4 + 128).unwrap_or(u32::MAX)
        };
        Self {
            model: None,
            reason: Some("no embedding model is configured".to_owned()),
            offline: None,
            endpoint: None,
            purse: None,
            questions: Cache::builder().max_capacity(KEPT).weigher(weigh).build(),
        }
    }

    /// The model for what is new; `None`: there is none, and [`Self::state`] says why.
    pub fn model(&self) -> Option<&str> {
        let broken = self.offline.as_ref().is_some_and(|offline| offline.fault().is_some());
        self.model.as_deref().filter(|model| *model != OFFLINE || !broken)
    }

    /// Can a question be embedded with this model?
    pub fn knows(&self, model: &str) -> bool {
        if model == OFFLINE { self.offline.is_some() } else { self.endpoint.is_some() }
    }

    /// How many numbers a vector of the model has, where that is known beforehand.
    pub fn dimensions(&self, model: &str) -> Option<usize> {
        match model {
            OFFLINE => Some(replyx_e5::WIDTH),
            "text-embedding-3-small" | "text-embedding-ada-002" => Some(1_536),
            "text-embedding-3-large" => Some(3_072),
            _ => None,
        }
    }

    /// How embedding is, for health, `doctor` and the log.
    pub fn state(&self) -> EmbeddingState {
        let fault = self.offline.as_ref().and_then(Offline::fault);
        EmbeddingState {
            model: self.model().map(str::to_owned),
            reason: fault.map(str::to_owned).or_else(|| self.reason.clone()),
            loaded: self.offline.as_ref().is_some_and(Offline::is_loaded),
        }
    }

    /// The vector of a question, of unit length. Questions that were asked lately are remembered.
    /// Workspaces take turns where the model works in this process.
    ///
    /// # Errors
    ///
    /// Fails when the model is not there, cannot be loaded, or its provider does not answer;
    /// [`ModelError::Busy`] when too many questions wait for the offline model, or for too long.
    pub async fn query(
        &self,
        caller: Caller,
        model: &str,
        text: &str,
    ) -> Result<EmbeddedQuestion, ModelError> {
        let key = (model.to_owned(), text.to_owned());
        if let Some(vector) = self.questions.get(&key) {
            return Ok(EmbeddedQuestion { vector, spent: None });
        }
        let begun = tokio::time::Instant::now();
        let (vector, spent): (Arc<[f32]>, _) = if model == OFFLINE {
            (self.offline(model)?.question(caller, text).await?.into(), None)
        } else {
            let texts = [text.to_owned()];
            let mut embedded = self.endpoint(model)?.embed(caller, model, &texts).await?;
            let vector = embedded.vectors.pop().ok_or(ModelError::Empty)?;
            (vector.into(), embedded.spent.pop())
        };
        metrics::histogram!("query_embedding_seconds").record(begun.elapsed().as_secs_f64());
        self.questions.insert(key, Arc::clone(&vector));
        Ok(EmbeddedQuestion { vector, spent })
    }

    /// The vectors of passages, each of unit length.
    ///
    /// # Errors
    ///
    /// As [`Self::query`].
    pub async fn passages(
        &self,
        caller: Caller,
        model: &str,
        texts: &[String],
    ) -> Result<Embedded, ModelError> {
        let begun = tokio::time::Instant::now();
        let embedded = if model == OFFLINE {
            let offline = self.offline(model)?;
            let mut vectors = Vec::with_capacity(texts.len());
            for text in texts {
                vectors.push(offline.passage(text).await?);
            }
            Embedded { vectors, ..Embedded::default() }
        } else {
            self.endpoint(model)?.embed(caller, model, texts).await?
        };
        metrics::counter!("passages_embedded_total").increment(texts.len() as u64);
        metrics::histogram!("passage_embedding_seconds").record(begun.elapsed().as_secs_f64());
        Ok(embedded)
    }

    fn offline(&self, model: &str) -> Result<&Offline, ModelError> {
        self.offline.as_ref().ok_or_else(|| unknown(model))
    }

    fn endpoint(&self, model: &str) -> Result<&OpenAiEmbeddings, ModelError> {
        self.endpoint.as_ref().ok_or_else(|| unknown(model))
    }
}

fn unknown(model: &str) -> ModelError {
    ModelError::NotConfigured { model: model.to_owned() }
}
