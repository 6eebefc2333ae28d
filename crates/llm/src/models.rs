//! The models of the installation, and how one of them is asked.

use std::time::Duration;

use replyx_core::{clock::Clock, money::Money, retry::Retry};
use tokio::time::{Instant, sleep};

use crate::{
    attempt::{self, Answer},
    chat::{ChatModel, ChatRequest, Completion, Progress, Usage},
    citations::cited,
    error::ModelError,
    limits::Limits,
    measure,
    no_answer::declines,
    prices::price_of,
    providers::{
        extractive::Extractive,
        openai::{OpenAi, OpenAiConfig},
    },
    tokens::estimate_tokens,
};

/// The name of the model that quotes its sources and needs no provider.
pub const EXTRACTIVE: &str = "extractive";
/// The default where a provider is configured and no model is named.
const OPENAI_DEFAULT: &str = "gpt-4o-mini";

/// Which providers there are.
#[derive(Debug, Default)]
pub struct ModelsConfig {
    /// `OpenAI`, or any server that speaks its chat completions protocol.
    pub openai: Option<OpenAiConfig>,
    /// The model of assistants that name none.
    pub default_model: Option<String>,
    /// The bounds of asking.
    pub limits: Limits,
}

/// The models of the installation.
#[derive(Debug)]
pub struct Models {
    extractive: Extractive,
    openai: Option<OpenAi>,
    default_model: String,
    limits: Limits,
}

impl Models {
    /// Joins the configured providers.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when a provider's settings cannot be used.
    ///
    /// # Panics
    ///
    /// When a provider is configured and the process has no rustls crypto provider.
    pub fn new(config: ModelsConfig) -> Result<Self, ModelError> {
        let limits = config.limits;
        let openai = config.openai.map(|openai| OpenAi::new(openai, &limits)).transpose()?;
        let default_model = config.default_model.unwrap_or_else(|| {
            if openai.is_some() { OPENAI_DEFAULT } else { EXTRACTIVE }.to_owned()
        });
        Ok(Self { extractive: Extractive, openai, default_model, limits })
    }

    /// The model an assistant means: the one it names, else the installation's default.
    pub fn resolve<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        named.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(&self.default_model)
    }

    /// Is there a provider for this model? Whether the provider knows the name shows when it is asked.
    pub fn is_configured(&self, model: &str) -> bool {
        self.provider(model).is_some()
    }

    /// Asks a model until it answers or asking again cannot help or is no longer allowed. `on_progress`
    /// sees the text as it grows, [`NO_ANSWER`](crate::NO_ANSWER) included.
    ///
    /// Dropping the future ends the request.
    ///
    /// # Errors
    ///
    /// The error of the last attempt; [`ModelError::NotConfigured`] when nothing answers to this name.
    pub async fn complete(
        &self,
        request: &ChatRequest,
        mut on_progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Completion, ModelError> {
        let (provider, model) = self
            .provider(&request.model)
            .ok_or_else(|| ModelError::NotConfigured { model: request.model.clone() })?;
        let begun = Instant::now();
        let deadline = begun + self.limits.total;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut shown = false;
            let end = deadline.min(Instant::now() + self.limits.attempt);
            let attempt = attempt::read(
                model,
                provider,
                request,
                &self.limits,
                end,
                &mut on_progress,
                &mut shown,
            );
            let error = match attempt.await {
                Ok(answer) => return Ok(completion(provider, request, answer, attempts, begun)),
                Err(error) => error,
            };
            let Some(wait) = self.wait(&error, attempts, deadline) else { return Err(error) };
            measure::retried(provider, &error, wait);
            if shown {
                on_progress(Progress::Restarted);
            }
            sleep(wait).await;
        }
    }

    /// How long to wait before the next attempt, or nothing when there must be none.
    fn wait(&self, error: &ModelError, failed: u32, deadline: Instant) -> Option<Duration> {
        let Retry::After(wished) = error.retry() else { return None };
        let [chance] = Clock::bytes();
        let Retry::After(backoff) = self.limits.backoff.after(failed, chance) else { return None };
        let wait = wished.max(backoff);
        let allowed = wished <= self.limits.retry_after && Instant::now() + wait < deadline;
        allowed.then_some(wait)
    }

    fn provider(&self, model: &str) -> Option<(&'static str, &dyn ChatModel)> {
        if model == EXTRACTIVE {
            return Some((EXTRACTIVE, &self.extractive));
        }
        self.openai.as_ref().map(|openai| ("openai", openai as &dyn ChatModel))
    }
}

fn completion(
    provider: &'static str,
    request: &ChatRequest,
    answer: Answer,
    attempts: u32,
    begun: Instant,
) -> Completion {
    let usage = answer.usage.unwrap_or_else(|| estimate(request, &answer.text));
    let price = price_of(&request.model);
    measure::used(provider, usage, price.is_some());
    let used_sources = match answer.sources {
        _ if declines(&answer.text) => Vec::new(),
        Some(sources) => sources,
        None => cited(&answer.text, request.sources.len()),
    };
    Completion {
        text: answer.text,
        usage,
        model: request.model.clone(),
        attempts,
        first_token: answer.first_token - begun,
        cost: price.map_or(Money::ZERO, |price| price.of(usage)),
        price_known: price.is_some(),
        used_sources,
    }
}

/// Usage of a provider that does not report it. Each message takes about four tokens beside its text
/// (<https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>: three and the role).
fn estimate(request: &ChatRequest, answer: &str) -> Usage {
    let prompt = request.messages.iter().map(|message| 4 + estimate_tokens(&message.content)).sum();
    Usage { prompt_tokens: prompt, completion_tokens: estimate_tokens(answer), estimated: true }
}
