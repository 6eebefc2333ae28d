//! Embeddings over HTTP: `POST {base_url}/embeddings` of `OpenAI` and every server that speaks its
//! protocol.
//!
//! Texts are sent in batches, two at once, each tried again when that can help, within a bound.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use replyx_core::{
    clock::Clock,
    ids::ModelKeyId,
    money::Money,
    retry::{Backoff, Retry},
    usage::CANCELLED,
};
use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::http;
use crate::{
    book::{Book, Entry},
    chat::{Caller, Spent, Usage},
    error::{ModelError, Waited},
    limits::Limits,
    measure,
    prices::Prices,
    purse::Purse,
    tokens::{count_tokens, most_tokens},
};

/// Vectors of some texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// One for each text, in order, of unit length.
    pub vectors: Vec<Vec<f32>>,
    /// What it took; nothing for the offline model.
    pub usage: Usage,
    /// What the provider charges, in US dollars.
    pub cost: Money,
    /// What every request took; none for the offline model.
    pub spent: Vec<Spent>,
}

/// A server that speaks `OpenAI`'s protocol for embeddings.
#[derive(Clone, Debug)]
pub struct EmbedEndpoint {
    /// The key; empty for a server that wants none.
    pub api_key: SecretString,
    /// Everything before `/embeddings`.
    pub base_url: String,
    /// The name under which what is asked of it stands in the ledger.
    pub provider: String,
    /// The id of the key, where it has one.
    pub key_id: Option<ModelKeyId>,
}

/// Texts in a request.
const TEXTS: usize = 256;
/// Characters in a request, about.
const CHARACTERS: usize = 100_000;
/// Requests at once.
const AT_ONCE: usize = 2;
/// One request, from asking to its last byte.
const ATTEMPT: Duration = Duration::from_secs(30);
/// All attempts of a request.
const TOTAL: Duration = Duration::from_mins(2);
/// When it is tried again.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(500), ceiling: Duration::from_secs(20), attempts: 6 };
/// The longest answer, bytes: 256 vectors of 3,072 numbers with 12 digits each, and some room.
const ANSWER: usize = 24 * 1024 * 1024;

/// A server that embeds.
#[derive(Clone)]
pub(crate) struct OpenAiEmbeddings {
    client: Client,
    url: Url,
    key: SecretString,
    provider: std::sync::Arc<str>,
    key_id: Option<ModelKeyId>,
    prices: Prices,
    book: Option<Book>,
    purse: Option<Purse>,
    clock: Clock,
}

impl std::fmt::Debug for OpenAiEmbeddings {
    /// Neither the key nor the whole URL, which may hold another secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiEmbeddings")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl OpenAiEmbeddings {
    /// A client for the server.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when `base_url` is not an HTTP URL or no client can be built.
    pub(crate) fn new(
        endpoint: EmbedEndpoint,
        limits: &Limits,
        prices: Prices,
    ) -> Result<Self, ModelError> {
        let url = http::url(&endpoint.base_url, "/embeddings")?;
        let EmbedEndpoint { api_key: key, provider, key_id, .. } = endpoint;
        Ok(Self {
            client: http::client(&url, limits)?,
            url,
            key,
            provider: provider.into(),
            key_id,
            prices,
            book: None,
            purse: None,
            clock: Clock::system(),
        })
    }

    /// The same server; what it is asked is written down.
    pub(crate) fn recorded(self, book: Book) -> Self {
        Self { book: Some(book), ..self }
    }

    /// The same server; what it costs is paid from a purse.
    pub(crate) fn paid_from(self, purse: Purse) -> Self {
        Self { purse: Some(purse), ..self }
    }

    /// The vectors of some texts, in order and of unit length, and what they took.
    pub(crate) async fn embed(
        &self,
        caller: Caller,
        model: &str,
        texts: &[String],
    ) -> Result<Embedded, ModelError> {
        let asked: Vec<_> = batches(texts)
            .into_iter()
            .map(|batch| self.batch(caller, model.to_owned(), batch.to_vec()))
            .collect();

        let answers: Vec<(Vec<Vec<f32>>, Vec<Spent>)> =
            stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let mut embedded = Embedded::default();
        for (some, spent) in answers {
            embedded.vectors.extend(some);
            for spent in spent {
                let usage = &mut embedded.usage;
                usage.prompt_tokens = usage.prompt_tokens.saturating_add(spent.usage.prompt_tokens);
                usage.estimated |= spent.usage.estimated;
                embedded.cost = embedded.cost + spent.cost;
                embedded.spent.push(spent);
            }
        }

        if embedded.vectors.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
            return Err(ModelError::Malformed(None));
        }

        Ok(embedded)
    }

    /// What every attempt took; the last one is the successful one.
    async fn batch(
        &self,
        caller: Caller,
        model: String,
        texts: Vec<String>,
    ) -> Result<(Vec<Vec<f32>>, Vec<Spent>), ModelError> {
        let deadline = Instant::now() + TOTAL;
        let mut spent = Vec::new();
        loop {
            let end = deadline.min(Instant::now() + ATTEMPT);
            let (outcome, took) = self.recorded_attempt(caller, &model, &texts, end).await?;
            spent.push(took);
            let error = match outcome {
                Ok(vectors) => return Ok((vectors, spent)),
                Err(error) => error,
            };

            metrics::counter!("embedding_failures_total", "reason" => error.reason()).increment(1);
            let failed = u32::try_from(spent.len()).unwrap_or(u32::MAX);
            let [chance] = Clock::bytes();

            let (Retry::After(wished), Retry::After(wait)) =
                (error.retry(), BACKOFF.after(failed, chance))
            else {
                return Err(error);
            };

            let wait = wished.max(wait);
            if Instant::now() + wait >= deadline {
                return Err(error);
            }

            sleep(wait).await;
        }
    }

    /// One request, written down before it is made and after it has ended.
    async fn recorded_attempt(
        &self,
        caller: Caller,
        model: &str,
        texts: &[String],
        end: Instant,
    ) -> Result<(Result<Vec<Vec<f32>>, ModelError>, Spent), ModelError> {
        let begun = Instant::now();
        let own = texts.iter().map(|text| count_tokens(model, text)).sum();
        let own = Usage { prompt_tokens: own, completion_tokens: 0, estimated: true };
        let price = self.prices.at(&self.provider, model);
        let cost = |usage| price.map_or(Money::ZERO, |price| price.of(usage));
        let expected = Spent {
            id: self.clock.id(),
            provider: self.provider.to_string(),
            model: model.to_owned(),
            key: self.key_id,
            usage: own,
            cost: cost(own),
            priced: price.is_some(),
            outcome: CANCELLED,
            first_token: None,
            duration: Duration::ZERO,
        };
        let mut aside = match &self.purse {
            Some(purse) => {
                let most = price.map(|price| price.of(most(texts)));
                Some(purse.set_aside(model, most).await?)
            }
            None => None,
        };
        let entry = Entry::begin(self.book.as_ref(), caller, expected.clone()).await?;
        if let Some(aside) = &mut aside {
            aside.owes(expected.cost);
        }

        let attempt = timeout_at(end, self.attempt(model, texts)).await;
        let outcome = attempt.unwrap_or(Err(ModelError::Timeout(Waited::Attempt)));
        let usage = match &outcome {
            Ok((_, reported)) => self.believed(*reported, own, texts),
            Err(error) if error.was_taken() => own,
            Err(_) => Usage::default(),
        };
        let spent = Spent {
            usage,
            cost: cost(usage),
            outcome: outcome.as_ref().map_or_else(ModelError::reason, |_| "ok"),
            duration: begun.elapsed(),
            ..expected
        };
        entry.end(&spent);
        if let Some(aside) = aside {
            aside.settle(spent.cost);
        }
        Ok((outcome.map(|(vectors, _)| vectors), spent))
    }

    /// What the server reports, as far as it can be.
    fn believed(&self, reported: Option<u64>, own: Usage, texts: &[String]) -> Usage {
        let most = most(texts).prompt_tokens;
        match reported.filter(|reported| *reported > 0) {
            Some(reported) if reported <= most => {
                Usage { prompt_tokens: reported, completion_tokens: 0, estimated: false }
            }
            Some(_) => {
                measure::unbelieved(&self.provider);
                Usage { prompt_tokens: most, ..own }
            }
            None => own,
        }
    }

    async fn attempt(
        &self,
        model: &str,
        texts: &[String],
    ) -> Result<(Vec<Vec<f32>>, Option<u64>), ModelError> {
        let body = json!({"model": model, "input": texts, "encoding_format": "float"});
        let answer: Answer = http::post(&self.client, &self.url, &self.key, &body, ANSWER).await?;
        let reported = answer.usage.as_ref().and_then(|usage| usage["prompt_tokens"].as_u64());
        Ok((vectors(answer, texts.len())?, reported))
    }
}

/// The most that texts can be read as.
fn most(texts: &[String]) -> Usage {
    let read = texts.iter().map(|text| 8 + most_tokens(text)).sum();
    Usage { prompt_tokens: read, completion_tokens: 0, estimated: true }
}

/// The vectors in the order of their texts: one for each, none of them nothing.
fn vectors(answer: Answer, texts: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); texts];
    for item in answer.data {
        let place = vectors.get_mut(item.index).ok_or(ModelError::Malformed(None))?;
        *place = unit(item.embedding).ok_or(ModelError::Malformed(None))?;
    }
    if vectors.iter().any(Vec::is_empty) {
        return Err(ModelError::Malformed(None));
    }
    Ok(vectors)
}

/// The vector with the length 1, if it has a length.
fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::MIN_POSITIVE {
        return None;
    }
    for x in &mut vector {
        *x /= length;
    }
    Some(vector)
}

/// The texts in runs that one request takes.
fn batches(texts: &[String]) -> Vec<&[String]> {
    let mut batches = Vec::new();
    let mut rest = texts;
    while !rest.is_empty() {
        let mut characters = 0;
        let fits = |text: &&String| {
            characters += text.len();
            characters <= CHARACTERS
        };
        let count = rest.iter().take(TEXTS).take_while(fits).count().max(1);
        let (batch, left) = rest.split_at(count);
        batches.push(batch);
        rest = left;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(items: &[(usize, &[f32])]) -> Answer {
        let item = |(index, embedding): &(usize, &[f32])| Item {
            index: *index,
            embedding: embedding.to_vec(),
        };
        Answer { data: items.iter().map(item).collect(), usage: None }
    }

    #[test]
    fn vectors_come_in_the_order_of_their_texts_and_of_unit_length() {
        let found = vectors(answer(&[(1, &[0.0, 2.0]), (0, &[3.0, 4.0])]), 2).unwrap();
        assert_eq!(found, [[0.6, 0.8], [0.0, 1.0]]);
        let nothing: &[f32] = &[0.0, 0.0];
        for bad in [
            answer(&[(0, &[1.0])]),
            answer(&[(0, &[1.0]), (2, &[1.0])]),
            answer(&[(0, nothing), (1, &[1.0])]),
            answer(&[(0, &[f32::NAN]), (1, &[1.0])]),
            answer(&[(0, &[]), (1, &[1.0])]),
        ] {
            assert!(vectors(bad, 2).is_err());
        }
    }

    #[test]
    fn a_batch_is_bounded_in_texts_and_characters_and_a_long_text_goes_alone() {
        let texts = |count: usize, length: usize| vec!["x".repeat(length); count];
        let sizes =
            |texts: &[String]| batches(texts).iter().map(|batch| batch.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&texts(600, 10)), [256, 256, 88]);
        assert_eq!(sizes(&texts(5, 40_000)), [2, 2, 1]);
        assert_eq!(sizes(&texts(2, 200_000)), [1, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
