//! What an attempt may take, and what it took.

use std::mem;

use replyx_core::{
    ids::{ModelCallId, ModelKeyId},
    money::Money,
    usage::CANCELLED,
};
use tokio::time::Instant;

use crate::{
    admission::AdmittedCall,
    attempt::AttemptOutput,
    book::Entry,
    chat::{ChatRequest, Completion, Spent, Usage},
    citations::cited,
    error::ModelError,
    keys::Link,
    measure,
    models::Models,
    no_answer::declines,
    prices::Price,
    tokens::{count_tokens, most_tokens},
};

/// Tokens that a provider may add to a prompt.
const ADDED: u64 = 1_000;
/// Tokens around each message.
const AROUND: u64 = 8;

/// The most that an attempt can take. What a provider reports beyond it is not trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    usage: Usage,
    price: Option<Price>,
}

impl Bound {
    /// Of a request that asks for at most `most` tokens.
    pub(super) fn of(models: &Models, link: &Link, request: &ChatRequest, most: u32) -> Self {
        let known = models.prices.known(&link.provider, &link.model);
        let sent = request.messages.iter().map(|message| AROUND + most_tokens(&message.content));
        let longest = known.and_then(|known| known.context).unwrap_or(u64::MAX);
        let usage = Usage {
            prompt_tokens: (ADDED + sent.sum::<u64>()).min(longest),
            completion_tokens: u64::from(most).min(longest),
            estimated: true,
        };
        Self { usage, price: known.map(|known| known.price) }
    }

    /// Whether the model's price is known.
    pub(super) const fn is_priced(&self) -> bool {
        self.price.is_some()
    }

    /// What it costs at most.
    pub(super) fn cost(&self) -> Money {
        self.price.map_or(Money::ZERO, |price| price.of(self.usage))
    }

    /// The call before it is made.
    pub(super) fn expected(&self, link: &Link, id: ModelCallId, key: Option<ModelKeyId>) -> Spent {
        Spent {
            id,
            provider: link.provider.to_string(),
            model: link.model.clone(),
            key,
            usage: self.usage,
            cost: self.cost(),
            priced: self.is_priced(),
            outcome: CANCELLED,
            first_token: None,
            duration: std::time::Duration::ZERO,
        }
    }
}

/// An attempt under way. Dropped, it is accounted for as far as it came.
pub(super) struct RunningAttempt<'a> {
    pub(super) id: ModelCallId,
    pub(super) link: &'a Link,
    pub(super) request: &'a ChatRequest,
    pub(super) key: Option<ModelKeyId>,
    pub(super) bound: Bound,
    pub(super) brought: AttemptOutput,
    pub(super) begun: Instant,
    pub(super) entry: Option<Entry>,
    pub(super) inside: Option<&'a AdmittedCall>,
}

impl RunningAttempt<'_> {
    /// It is over: what the provider charges for it, and what it brought.
    pub(super) fn end(mut self, error: Option<&ModelError>) -> (Spent, AttemptOutput) {
        let usage = self.usage(error);
        if error.is_none() || usage != Usage::default() {
            measure::used(&self.link.provider, usage);
            if !self.bound.is_priced() {
                measure::price_unknown(&self.link.provider);
            }
        }
        let spent = self.spent(usage, error.map_or("ok", ModelError::reason));
        if let Some(entry) = self.entry.take() {
            entry.end(&spent);
        }
        (spent, mem::take(&mut self.brought))
    }

    fn spent(&self, usage: Usage, outcome: &'static str) -> Spent {
        Spent {
            id: self.id,
            provider: self.link.provider.to_string(),
            model: self.link.model.clone(),
            key: self.key,
            usage,
            cost: self.bound.price.map_or(Money::ZERO, |price| price.of(usage)),
            priced: self.bound.is_priced(),
            outcome,
            first_token: self.brought.first_token.map(|first| first - self.begun),
            duration: self.begun.elapsed(),
        }
    }

    /// A provider charges what it has begun to answer, whether we have heard the end of it or not.
    fn usage(&self, error: Option<&ModelError>) -> Usage {
        let was_begun = self.brought.alive || error.is_none_or(ModelError::was_taken);
        match self.brought.usage {
            Some(reported) => self.believed(reported),
            None if was_begun => self.estimate(),
            None => Usage::default(),
        }
    }

    /// What a provider reports, as far as it can be: within the bounds of what was sent and
    /// written, and not nothing.
    fn believed(&self, reported: Usage) -> Usage {
        let text = &self.brought.text;
        let written = self.bound.usage.completion_tokens.max(most_tokens(text));
        let mut usage = Usage {
            prompt_tokens: reported.prompt_tokens.min(self.bound.usage.prompt_tokens),
            completion_tokens: reported.completion_tokens.min(written),
            ..reported
        };
        if usage != reported {
            measure::unbelieved(&self.link.provider);
            usage.estimated = true;
        }
        if usage.prompt_tokens == 0 || usage.completion_tokens == 0 && !text.is_empty() {
            let own = self.estimate();
            usage.prompt_tokens = usage.prompt_tokens.max(own.prompt_tokens);
            usage.completion_tokens = usage.completion_tokens.max(own.completion_tokens);
            usage.estimated = true;
        }
        usage
    }

    /// Usage of a provider that does not report it. Each message takes about four tokens beside its
    /// text (<https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>: three and
    /// the role).
    fn estimate(&self) -> Usage {
        let count = |text: &str| count_tokens(&self.request.model, text);
        let messages = self.request.messages.iter();
        let prompt = messages.map(|message| 4 + count(&message.content)).sum();
        Usage {
            prompt_tokens: prompt,
            completion_tokens: count(&self.brought.text),
            estimated: true,
        }
    }
}

impl Drop for RunningAttempt<'_> {
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        let spent = self.spent(self.estimate(), CANCELLED);
        if let Some(inside) = self.inside {
            inside.owes(spent.cost);
        }
        entry.end(&spent);
    }
}

/// The answer. `spent` ends with what this attempt took; `asked` is when the first one began.
pub(super) fn completion(
    request: &ChatRequest,
    brought: AttemptOutput,
    spent: Vec<Spent>,
    begun: Instant,
    asked: Instant,
) -> Completion {
    let used_sources = match brought.sources {
        _ if declines(&brought.text) => Vec::new(),
        Some(sources) => sources,
        None => cited(&brought.text, request.sources.len()),
    };

    let last = spent.last();
    Completion {
        used_sources,
        truncated: brought.truncated,
        unsure: brought.unsure,
        usage: last.map(|last| last.usage).unwrap_or_default(),
        cost: last.map_or(Money::ZERO, |last| last.cost),
        key: last.and_then(|last| last.key),
        provider: last.map(|last| last.provider.clone()).unwrap_or_default(),
        model: last.map(|last| last.model.clone()).unwrap_or_default(),
        attempts: u32::try_from(spent.len()).unwrap_or(u32::MAX),
        first_token: brought.first_token.unwrap_or(begun) - asked,
        price_known: last.is_some_and(|last| last.priced),
        text: brought.text,
        spent,
    }
}
