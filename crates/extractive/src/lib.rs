//! A model that quotes: it answers with sentences of its sources, word for word.
//!
//! It needs no provider, no key and no network, and it cannot invent. [`quote`] takes the sources
//! apart into sentences, list items and table rows (`units`), finds which of them speak of what the
//! question asks (`rank`) and joins the best into at most 300 characters (`compose`). When the best
//! of them leaves too much of the question untouched, and no source is near it in meaning
//! ([`Fit`]), it quotes nothing: silence is better than a quotation about something else.
//!
//! It works best in English and Russian, whose words it reduces to stems; in other languages it
//! compares words, and pairs of characters where a script has no spaces.

mod clause;
mod compose;
mod evidence;
mod inline;
mod lexicon;
mod likeness;
mod question;
mod rank;
mod sentences;
mod units;

use self::{compose::compose, question::Question, rank::Ranking, units::units};

/// How far search trusts a passage, where it knows more than words. Both are 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// How relevant the passage is to the question, by words and meaning.
    pub score: f64,
    /// How near the two are in meaning: 0 is what texts without anything in common have, 1 is the
    /// same text.
    pub meaning: f64,
}

/// A passage an answer may rest on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// The document's title.
    pub title: String,
    /// The headings above the passage, outermost first.
    pub headings: Vec<String>,
    /// The passage, Markdown or plain text.
    pub text: String,
    /// What search knows of it; nothing without vectors.
    pub fit: Option<Fit>,
}

/// An answer in the words of its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotation {
    /// The answer, at most 300 characters.
    pub text: String,
    /// The sources it is quoted from, as indexes.
    pub sources: Vec<usize>,
}

/// The name of this model.
pub const NAME: &str = "extractive";

/// Answers a question from the sources; `None` when they do not hold the answer.
pub fn quote(question: &str, sources: &[Source]) -> Option<Quotation> {
    let units = units(sources);
    if let Some(found) = clause::quote(question, &units) {
        return Some(found);
    }

    let question = Question::of(question);
    let ranking = Ranking::of(&question, &units);
    let fits: Vec<Option<Fit>> = sources.iter().map(|source| source.fit).collect();
    compose(&question, &units, &ranking, &fits)
}
