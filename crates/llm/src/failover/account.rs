//! What an attempt took.

use replyx_core::{ids::ModelKeyId, money::Money};
use tokio::time::Instant;

use crate::{
    attempt::Brought,
    chat::{ChatRequest, Completion, Spent, Usage},
    citations::cited,
    error::{ModelError, Waited},
    keys::Link,
    measure,
    models::Models,
    no_answer::declines,
    tokens::count_tokens,
};

/// An attempt that is over.
pub(super) struct Attempted<'a> {
    pub(super) models: &'a Models,
    pub(super) link: &'a Link,
    pub(super) request: &'a ChatRequest,
    pub(super) brought: Brought,
    pub(super) begun: Instant,
}

impl Attempted<'_> {
    /// What the provider charges for it, and whether its price is known.
    pub(super) fn spent(
        &self,
        key: Option<ModelKeyId>,
        error: Option<&ModelError>,
    ) -> (Spent, bool) {
        let link = self.link;
        let usage = self.usage(error);
        let price = self.models.prices.of(&format!("{}:{}", link.provider, link.model));
        if error.is_none() || usage != Usage::default() {
            measure::used(&link.provider, usage, price.is_some());
        }
        let spent = Spent {
            provider: link.provider.to_string(),
            model: link.model.clone(),
            key,
            usage,
            cost: price.map_or(Money::ZERO, |price| price.of(usage)),
            outcome: error.map_or("ok", ModelError::reason),
            first_token: self.brought.first_token.map(|first| first - self.begun),
            duration: self.begun.elapsed(),
        };
        (spent, price.is_some())
    }

    /// A provider charges what it has begun to answer, whether we have heard the end of it or not.
    fn usage(&self, error: Option<&ModelError>) -> Usage {
        let was_begun = match error {
            // The last two are told at the end of an answer that nobody sees.
            None | Some(ModelError::Filtered | ModelError::Empty) => true,
            Some(ModelError::Timeout(waited)) => *waited != Waited::Connect,
            Some(_) => self.brought.first_token.is_some(),
        };
        match self.brought.usage {
            Some(usage) => usage,
            None if was_begun => estimate(self.request, &self.brought.text),
            None => Usage::default(),
        }
    }

    /// The answer. `spent` ends with what this attempt took; `asked` is when the first one began.
    pub(super) fn completion(
        self,
        spent: Vec<Spent>,
        price_known: bool,
        asked: Instant,
    ) -> Completion {
        let Self { link, request, brought, begun, .. } = self;
        let used_sources = match brought.sources {
            _ if declines(&brought.text) => Vec::new(),
            Some(sources) => sources,
            None => cited(&brought.text, request.sources.len()),
        };
        let last = spent.last();
        Completion {
            used_sources,
            truncated: brought.truncated,
            usage: last.map(|last| last.usage).unwrap_or_default(),
            cost: last.map_or(Money::ZERO, |last| last.cost),
            key: last.and_then(|last| last.key),
            provider: link.provider.to_string(),
            model: link.model.clone(),
            attempts: u32::try_from(spent.len()).unwrap_or(u32::MAX),
            first_token: brought.first_token.unwrap_or(begun) - asked,
            price_known,
            text: brought.text,
            spent,
        }
    }
}

/// Usage of a provider that does not report it. Each message takes about four tokens beside its text
/// (<https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>: three and the role).
fn estimate(request: &ChatRequest, answer: &str) -> Usage {
    let count = |text: &str| count_tokens(&request.model, text);
    let prompt = request.messages.iter().map(|message| 4 + count(&message.content)).sum();
    Usage { prompt_tokens: prompt, completion_tokens: count(answer), estimated: true }
}
