//! Figures about models. Labels are providers, which the configuration names, and words from fixed
//! lists: a reason, a kind, a state.

use std::{sync::Arc, time::Duration};

use metrics::{counter, gauge, histogram};
use tokio::time::Instant;

use crate::{chat::Usage, error::ModelError};

/// One attempt being measured. Dropped without [`Attempt::end`] it counts as `cancelled`.
pub(crate) struct Attempt {
    provider: Arc<str>,
    begun: Instant,
    ended: bool,
}

impl Attempt {
    pub(crate) fn begin(provider: &Arc<str>) -> Self {
        Self { provider: Arc::clone(provider), begun: Instant::now(), ended: false }
    }

    pub(crate) fn first_token(&self) {
        histogram!("model_first_token_seconds", "provider" => Arc::clone(&self.provider))
            .record(self.begun.elapsed().as_secs_f64());
    }

    pub(crate) fn end(mut self, outcome: &'static str) {
        self.ended = true;
        self.count(outcome);
    }

    fn count(&self, outcome: &'static str) {
        let provider = || Arc::clone(&self.provider);
        counter!("model_requests_total", "provider" => provider(), "outcome" => outcome)
            .increment(1);
        histogram!("model_request_duration_seconds", "provider" => provider())
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

/// An attempt at `from` failed and another one follows at `to`.
pub(crate) fn retried(from: &Arc<str>, to: &Arc<str>, error: &ModelError) {
    let reason = error.reason();
    let one = || Arc::clone(from);
    let other = || Arc::clone(to);
    counter!("model_retries_total", "provider" => one(), "reason" => reason).increment(1);
    if from != to {
        counter!("model_failovers_total", "from" => one(), "to" => other(), "reason" => reason)
            .increment(1);
    }
    tracing::warn!(
        model.provider = &**from,
        model.next = &**to,
        model.error = reason,
        "retrying a model call"
    );
}

/// What an answer took.
pub(crate) fn used(provider: &Arc<str>, usage: Usage) {
    let provider = || Arc::clone(provider);
    for (kind, tokens) in [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)]
    {
        counter!("model_tokens_total", "provider" => provider(), "kind" => kind).increment(tokens);
    }
    if usage.estimated {
        counter!("model_usage_estimated_total", "provider" => provider()).increment(1);
    }
}

/// Nobody knows what an answer of this provider's model costs.
pub(crate) fn price_unknown(provider: &Arc<str>) {
    counter!("model_price_unknown_total", "provider" => Arc::clone(provider)).increment(1);
}

/// A provider has reported what cannot be.
pub(crate) fn unbelieved(provider: &Arc<str>) {
    counter!("model_usage_clamped_total", "provider" => Arc::clone(provider)).increment(1);
    tracing::warn!(model.provider = &**provider, "provider reported more tokens than possible");
}

/// A call was not made, for this reason.
pub(crate) fn refused(reason: &'static str) {
    counter!("model_calls_refused_total", "reason" => reason).increment(1);
}

/// How a provider's breaker stands: 0 closed, 0.5 half open, 1 open.
pub(crate) fn breaker(provider: &Arc<str>, openness: f64) {
    gauge!("model_breaker_open", "provider" => Arc::clone(provider)).set(openness);
}

/// A call was given a place after this long.
pub(crate) fn admitted(provider: &Arc<str>, waited: Duration) {
    histogram!("model_queue_seconds", "provider" => Arc::clone(provider))
        .record(waited.as_secs_f64());
}

/// A call got no place, because the queue was `full` or it waited too `long`.
pub(crate) fn turned_away(provider: &Arc<str>, reason: &'static str) {
    let provider = Arc::clone(provider);
    counter!("model_admission_refused_total", "provider" => provider, "reason" => reason)
        .increment(1);
}

/// So many calls wait for a place.
pub(crate) fn waiting(count: usize) {
    #[expect(clippy::cast_precision_loss, reason = "the queue is bounded by a thousand")]
    gauge!("model_admission_waiting").set(count as f64);
}
