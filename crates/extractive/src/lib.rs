//! A model that quotes: it answers with sentences of its sources, word for word.
//!
//! It needs no provider, no key and no network, and it cannot invent. [`quote`] takes the sources
//! apart into sentences, list items and table rows (`units`), finds which of them speak of what the
//! question asks (`rank`) and joins the best into at most 300 characters (`compose`). When the best
//! of them leaves too much of the question untouched, and no source is near it in meaning
//! ([`Fit`]), it quotes nothing: silence is better than a quotation about something else.
//!
//! Where search knows how near each part of a passage is in meaning ([`Source::runs`]), the nearest
//! part is quoted, with words as the second voice (`nearest`); it answers when it is near enough,
//! and nearer than what else was found. A little below that it is quoted as what may help
//! ([`Certainty::Unsure`]).
//!
//! It works best in English and Russian, whose words it reduces to stems; in other languages it
//! compares words, and pairs of characters where a script has no spaces.

mod clause;
mod compose;
mod evidence;
mod inline;
mod lexicon;
mod likeness;
mod nearest;
mod question;
mod rank;
mod runs;
mod sentences;
mod units;

use self::{
    compose::compose,
    nearest::Nearest,
    question::Question,
    rank::Ranking,
    runs::Run,
    units::{Unit, units},
};

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
    /// How near each of its [`runs`] is to the question in meaning, as [`Fit::meaning`]; empty
    /// where that is not known.
    pub runs: Vec<f64>,
}

/// An answer in the words of its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotation {
    /// The answer, at most 300 characters for each question.
    pub text: String,
    /// The sources it is quoted from, as indexes.
    pub sources: Vec<usize>,
    /// How sure it is that this answers the question.
    pub certainty: Certainty,
}

/// How sure it is that a quotation answers the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Sure enough to say it.
    Sure,
    /// It may help: it is nearer to the question than everything else that was found, but not near
    /// enough to be said as the answer.
    Unsure,
}

impl Quotation {
    /// An answer that may be said as one.
    pub(crate) const fn sure(text: String, sources: Vec<usize>) -> Self {
        Self { text, sources, certainty: Certainty::Sure }
    }

    /// Whether it may be said as the answer.
    pub fn is_sure(&self) -> bool {
        self.certainty == Certainty::Sure
    }
}

/// The name of this model.
pub const NAME: &str = "extractive";

/// Answers a question from the sources; `None` when they do not hold the answer.
pub fn quote(question: &str, sources: &[Source]) -> Option<Quotation> {
    let units = units(sources);
    if let Some(found) = clause::quote(question, &units) {
        return Some(found);
    }

    if sources.iter().any(|source| !source.runs.is_empty()) {
        let runs = runs::of(&units);
        if let Some(found) = each(question, &units, &runs, sources) {
            return Some(found);
        }
        match nearest::quote(&Question::of(question), &units, &runs, sources) {
            Nearest::Answer(quotation) if quotation.is_sure() => return Some(quotation),
            Nearest::Answer(unsure) => return fresh(question, sources).or(Some(unsure)),
            Nearest::Far => return fresh(question, sources),
            Nearest::Unknown => {}
        }
    }

    by_words(question, &units, sources)
}

/// What words find in passages whose vectors are still being made.
fn fresh(question: &str, sources: &[Source]) -> Option<Quotation> {
    let is_fresh = |source: &&Source| source.fit.is_none() && source.runs.is_empty();
    let places: Vec<usize> =
        (0..sources.len()).filter(|place| is_fresh(&&sources[*place])).collect();
    let own: Vec<Source> = sources.iter().filter(is_fresh).cloned().collect();
    let found = by_words(question, &units(&own), &own)?;
    let named = found.sources.iter().map(|place| places[*place]).collect();
    Some(Quotation { sources: named, ..found })
}

fn by_words(question: &str, units: &[Unit], sources: &[Source]) -> Option<Quotation> {
    let question = Question::of(question);
    let ranking = Ranking::of(&question, units);
    let fits: Vec<Option<Fit>> = sources.iter().map(|source| source.fit).collect();
    compose(&question, units, &ranking, &fits)
}

/// Two questions have two answers. Nothing where they are one, or one of them has no answer of its
/// own.
fn each(question: &str, units: &[Unit], runs: &[Run], sources: &[Source]) -> Option<Quotation> {
    let parts = question::parts(question);
    if parts.len() != 2 {
        return None;
    }

    let mut both: Vec<Quotation> = Vec::new();
    for part in parts {
        let part = Question::of(part);
        match nearest::quote_part(&part, units, runs, sources) {
            Nearest::Answer(quotation) if quotation.is_sure() => both.push(quotation),
            Nearest::Answer(_) | Nearest::Far | Nearest::Unknown => return None,
        }
    }
    if both[0].text == both[1].text {
        return None;
    }
    let mut named: Vec<usize> = both.iter().flat_map(|one| one.sources.clone()).collect();
    named.dedup();
    Some(Quotation::sure(format!("{}\n{}", both[0].text, both[1].text), named))
}

/// What of a passage is compared with questions in meaning, each with what it stands under: runs of
/// sentences, list items, table rows. The same for the same passage.
pub fn runs(source: &Source) -> Vec<String> {
    let units = units(std::slice::from_ref(source));
    runs::of(&units).iter().map(|run| run.embedded(&units)).collect()
}
