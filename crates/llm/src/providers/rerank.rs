//! Reranking over HTTP: `POST {base_url}/rerank` as Cohere has it, and Jina, Voyage-compatible
//! gateways, vLLM and llama.cpp after it.
//!
//! A model that reads question and passage together judges better than two vectors made apart, and
//! is too slow for more than a few dozen passages. It is asked once, within a bound: search has an
//! order without it.

use std::{fmt, time::Duration};

use replyx_core::{clock::Clock, money::Money, usage::CANCELLED};
use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, error::Elapsed, timeout_at};
use url::Url;

use super::http;
use crate::{
    book::{Book, Entry},
    chat::{Caller, Spent, Usage},
    error::{ModelError, Waited},
    limits::Limits,
    prices::{Price, Prices},
    purse::Purse,
    tokens::{count_tokens, most_tokens},
};

/// The name under which what is asked stands in the ledger.
const PROVIDER: &str = "rerank";

/// The longest answer, bytes.
const ANSWER: usize = 256 * 1024;

/// The provider that reranks.
#[derive(Clone, Debug)]
pub struct RerankConfig {
    /// Everything before `/rerank`.
    pub base_url: String,
    /// The model.
    pub model: String,
    /// The key; empty for a server that wants none.
    pub api_key: SecretString,
    /// How long search waits for it.
    pub patience: Duration,
    /// What it costs: a price for `rerank:MODEL` or `MODEL` by tokens read.
    pub prices: Prices,
}

/// A server that reranks.
#[derive(Clone)]
pub struct Reranker {
    client: Client,
    url: Url,
    key: SecretString,
    model: String,
    patience: Duration,
    prices: Prices,
    book: Option<Book>,
    purse: Option<Purse>,
    clock: Clock,
}

impl fmt::Debug for Reranker {
    /// Neither the key nor the whole URL, which may hold another secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reranker")
            .field("host", &self.url.host_str())
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<RankedDocument>,
}

#[derive(Deserialize)]
struct RankedDocument {
    index: usize,
    relevance_score: f64,
}

impl Reranker {
    /// A client for the server.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when `base_url` is not an HTTP URL or no client can be built.
    ///
    /// # Panics
    ///
    /// When the process has no rustls crypto provider.
    pub fn new(config: RerankConfig, limits: &Limits) -> Result<Self, ModelError> {
        let url = http::url(&config.base_url, "/rerank")?;
        let RerankConfig { model, api_key: key, patience, prices, .. } = config;
        let client = http::client(&url, limits)?;
        let clock = Clock::system();
        Ok(Self { client, url, key, model, patience, prices, book: None, purse: None, clock })
    }

    /// The same server; what it is asked is written down.
    #[must_use]
    pub fn recorded(self, book: Book) -> Self {
        Self { book: Some(book), ..self }
    }

    /// The same server; what it costs is paid from a purse.
    #[must_use]
    pub fn paid_from(self, purse: Purse) -> Self {
        Self { purse: Some(purse), ..self }
    }

    /// The places of the passages, the one that answers the question best first. Those that the
    /// server does not name keep their order behind the others.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer in time, refuses, or answers something else.
    pub async fn order(
        &self,
        caller: Caller,
        question: &str,
        passages: &[String],
    ) -> Result<Vec<usize>, ModelError> {
        let begun = Instant::now();
        let end = begun + self.patience;
        let expected = self.expected(question, passages);
        let mut aside = match &self.purse {
            Some(purse) => {
                let most = self.price().map(|price| price.of(most(question, passages)));
                let aside = purse.set_aside(&self.model, most);
                Some(timeout_at(end, aside).await.map_err(late)??)
            }
            None => None,
        };
        let entry = Entry::begin(self.book.as_ref(), caller, expected.clone());
        let entry = timeout_at(end, entry).await.map_err(late)??;
        if let Some(aside) = &mut aside {
            aside.owes(expected.cost);
        }

        let body = json!({
            "model": self.model, "query": question, "documents": passages, "top_n": passages.len(),
        });
        let asked = http::post::<Answer>(&self.client, &self.url, &self.key, &body, ANSWER);
        let answered = timeout_at(end, asked).await.map_err(late);
        let outcome = answered.flatten().and_then(|answer| places(answer, passages.len()));
        let reason = outcome.as_ref().map_or_else(ModelError::reason, |_| "ok");
        metrics::counter!("rerank_requests_total", "outcome" => reason).increment(1);
        metrics::histogram!("rerank_seconds").record(begun.elapsed().as_secs_f64());
        let spent = Spent { outcome: reason, duration: begun.elapsed(), ..expected };
        let charges = outcome.as_ref().err().is_none_or(ModelError::was_taken);
        let nothing = Spent { usage: Usage::default(), cost: Money::ZERO, ..spent.clone() };
        let spent = if charges { spent } else { nothing };
        entry.end(&spent);
        if let Some(aside) = aside {
            aside.settle(spent.cost);
        }
        outcome
    }

    fn price(&self) -> Option<Price> {
        self.prices.at(PROVIDER, &self.model)
    }

    /// What it is expected to take: the question is read with every passage. Servers do not report
    /// it in one way.
    fn expected(&self, question: &str, passages: &[String]) -> Spent {
        let question = count_tokens(&self.model, question);
        let read = passages.iter().map(|text| question + count_tokens(&self.model, text));
        let usage = Usage { prompt_tokens: read.sum(), completion_tokens: 0, estimated: true };
        let price = self.price();
        Spent {
            id: self.clock.id(),
            provider: PROVIDER.to_owned(),
            model: self.model.clone(),
            key: None,
            usage,
            cost: price.map_or(Money::ZERO, |price| price.of(usage)),
            priced: price.is_some(),
            outcome: CANCELLED,
            first_token: None,
            duration: Duration::ZERO,
        }
    }
}

/// The most that question and passages can be read as.
fn most(question: &str, passages: &[String]) -> Usage {
    let question = 8 + most_tokens(question);
    let read = passages.iter().map(|text| question + 8 + most_tokens(text));
    Usage { prompt_tokens: read.sum(), completion_tokens: 0, estimated: true }
}

fn places(answer: Answer, count: usize) -> Result<Vec<usize>, ModelError> {
    let mut judged = answer.results;
    let mut seen = vec![false; count];
    for one in &judged {
        let seen = seen.get_mut(one.index).ok_or(ModelError::Malformed(None))?;
        if std::mem::replace(seen, true) || !one.relevance_score.is_finite() {
            return Err(ModelError::Malformed(None));
        }
    }
    judged.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    let rest = (0..count).filter(|place| !seen[*place]);
    Ok(judged.iter().map(|one| one.index).chain(rest).collect())
}

/// What becomes of a request whose time is over.
fn late(_: Elapsed) -> ModelError {
    ModelError::Timeout(Waited::Attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(results: &[(usize, f64)], count: usize) -> Option<Vec<usize>> {
        let judged = |(index, score): &(usize, f64)| RankedDocument {
            index: *index,
            relevance_score: *score,
        };
        places(Answer { results: results.iter().map(judged).collect() }, count).ok()
    }

    #[test]
    fn the_best_comes_first_and_nothing_is_lost() {
        assert_eq!(of(&[(2, 0.1), (0, 0.9)], 4), Some(vec![0, 2, 1, 3]));
        assert_eq!(of(&[], 2), Some(vec![0, 1]));
    }

    #[test]
    fn what_names_nothing_or_something_twice_is_no_answer() {
        for bad in [&[(3, 0.5)][..], &[(0, 0.5), (0, 0.4)], &[(0, f64::NAN)]] {
            assert_eq!(of(bad, 3), None, "{bad:?}");
        }
    }
}
