//! Figures about models. Labels come from fixed lists: a provider, a reason, a kind.

use std::time::Duration;

use metrics::{counter, histogram};
use tokio::time::Instant;

use crate::{chat::Usage, error::ModelError};

/// One attempt being measured. Dropped without [`Attempt::end`] it counts as `cancelled`.
pub(crate) struct Attempt {
    provider: &'static str,
    begun: Instant,
    ended: bool,
}

impl Attempt {
    pub(crate) fn begin(provider: &'static str) -> Self {
        Self { provider, begun: Instant::now(), ended: false }
    }

    pub(crate) fn first_token(&self) {
        histogram!("model_first_token_seconds", "provider" => self.provider)
            .record(self.begun.elapsed().as_secs_f64());
    }

    pub(crate) fn end(mut self, outcome: Result<(), &ModelError>) {
        self.ended = true;
        self.count(outcome.map_or_else(ModelError::reason, |()| "ok"));
    }

    fn count(&self, outcome: &'static str) {
        counter!("model_requests_total", "provider" => self.provider, "outcome" => outcome)
            .increment(1);
        histogram!("model_request_duration_seconds", "provider" => self.provider)
            .record(self.begun.elapsed().as_secs_f64());
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.count("cancelled");
        }
    }
}

/// An attempt failed and another one follows.
pub(crate) fn retried(provider: &'static str, error: &ModelError, wait: Duration) {
    counter!("model_retries_total", "provider" => provider, "reason" => error.reason())
        .increment(1);
    tracing::warn!(
        model.provider = provider,
        model.error = error.reason(),
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        "asking the model again"
    );
}

/// What an answer took.
pub(crate) fn used(provider: &'static str, usage: Usage, price_known: bool) {
    for (kind, tokens) in [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)]
    {
        counter!("model_tokens_total", "provider" => provider, "kind" => kind).increment(tokens);
    }
    if usage.estimated {
        counter!("model_usage_estimated_total", "provider" => provider).increment(1);
    }
    if !price_known {
        counter!("model_price_unknown_total", "provider" => provider).increment(1);
    }
}
