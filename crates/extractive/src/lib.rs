//! A model that quotes: it answers with sentences of its sources, word for word.
//!
//! It needs no provider, no key and no network, and it cannot invent. [`Extractive::answer`] takes
//! the sources apart into sentences, list items and table rows (`units`), finds which of them speak
//! of what the question asks (`rank`) and joins the best into at most 300 characters (`compose`).
//! When the best of them leaves too much of the question untouched, and no source is near it in
//! meaning ([`Fit`](crate::Fit)), it declines with [`NO_ANSWER`](crate::NO_ANSWER): silence is
//! better than a quotation about something else.
//!
//! It works best in English and Russian, whose words it reduces to stems; in other languages it
//! compares words, and pairs of characters where a script has no spaces.

mod compose;
mod evidence;
mod inline;
mod lexicon;
mod likeness;
mod question;
mod rank;
mod sentences;
mod units;

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use self::{compose::compose, question::Question, rank::Ranking, units::units};
use crate::{
    chat::{ChatModel, ChatRequest, Delta, Fit, Source, Usage},
    error::ModelError,
    no_answer::NO_ANSWER,
};

/// A model that quotes its sources.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

impl Extractive {
    /// The answer to a question and the sources it is quoted from, as indexes; [`NO_ANSWER`] and
    /// none when they do not hold it. At most 300 characters.
    pub fn answer(&self, question: &str, sources: &[Source]) -> (String, Vec<usize>) {
        let question = Question::of(question);
        let units = units(sources);
        let ranking = Ranking::of(&question, &units);
        let fits: Vec<Option<Fit>> = sources.iter().map(|source| source.fit).collect();
        match compose(&question, &units, &ranking, &fits) {
            Some(found) => (found.text, found.sources),
            None => (NO_ANSWER.to_owned(), Vec::new()),
        }
    }
}

impl ChatModel for Extractive {
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>> {
        let (text, sources) = self.answer(&request.question, &request.sources);
        // Nothing is charged, and no model has tokenised anything.
        let usage = Usage::default();
        stream::iter([Delta::Text(text), Delta::Sources(sources), Delta::Usage(usage)].map(Ok))
            .boxed()
    }
}
