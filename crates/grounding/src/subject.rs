//! Does a source say an amount of what the answer says it of?
//!
//! That a number stands somewhere in the passages says little: a price list holds every price. The
//! words beside a number in the answer are compared with those beside the numbers of the sources.
//! It is refused when another number of its kind stands with more of these words than any that is
//! the same. Words of another language match nothing; then being there is enough.

use std::sync::Arc;

use super::{
    amounts::{Class, agree},
    fact::Value,
    known::{Script, Text},
    numbers::{CENTS, Unit},
    stated::{StatedAmount, Words},
};

/// No more numbers of the sources than these are reckoned with.
const NEAR: usize = 32;

/// What the answer says an amount of, the closest words first.
pub(super) struct Subject<'s> {
    pub(super) said: &'s StatedAmount,
    pub(super) question: &'s Words,
    /// The letters of the answer.
    pub(super) script: Script,
}

/// An amount of a source that may be the one.
struct SourceFacts<'t> {
    stated: &'t StatedAmount,
    script: Script,
}

/// Does a source state the amount, in whatever unit?
pub(super) fn is_stated(said: &StatedAmount, texts: &[Arc<Text>]) -> bool {
    texts.iter().flat_map(|text| &text.stated).any(|known| agree(&said.value, &known.value))
}

/// Is the amount said of something else than in the sources, or in another unit?
pub(super) fn is_of_another(subject: &Subject<'_>, texts: &[Arc<Text>]) -> bool {
    let said = subject.said;
    let same = |text: &Arc<Text>| text.stated.iter().any(|known| agree(&said.value, &known.value));
    if is_of_another_currency(&said.value, texts) {
        return true;
    }
    if !texts.iter().any(same) {
        return texts.iter().any(|text| has_in_another_unit(&said.value, text));
    }

    let all = texts.iter().flat_map(|text| {
        text.stated.iter().map(|stated| SourceFacts { stated, script: text.script })
    });
    let (mut holders, mut others): (Vec<_>, Vec<_>) =
        all.partition(|known| agree(&said.value, &known.stated.value));
    others.retain(|other| {
        let holder = |holder: &SourceFacts<'_>| other.stated.class.is_like(holder.stated.class);
        said.class.rivals(other.stated.class, other.stated.place) && holders.iter().any(holder)
    });
    // A translation vouches where nothing in the answer's own language says the same.
    let script = subject.script;
    if holders.iter().any(|holder| holder.script == script) {
        holders.retain(|holder| holder.script == script);
    }

    let matches = |words: &Words| {
        let mut known = holders.iter().chain(&others);
        known.any(|known| !words.common(&known.stated.all).is_empty())
    };
    let closest = if matches(&said.own) { &said.own } else { &said.all };
    for (words, reach) in [(closest, Reach::Around), (subject.question, Reach::Own)] {
        let fit = |known: &SourceFacts<'_>| Fit::of(words, known.stated, reach);
        let fits: Vec<Fit> = others.iter().map(fit).collect();
        let beaten = |holder: &SourceFacts<'_>| {
            let own = fit(holder);
            let rivals = fits.iter().zip(&others);
            rivals.into_iter().any(|(fit, other)| other.script == holder.script && fit.beats(&own))
        };
        holders.retain(|holder| !beaten(holder));
        if holders.is_empty() {
            return true;
        }

        // Words that tell them apart have decided; where they fit alike, the next ones are asked.
        let best: Vec<Fit> = holders.iter().map(fit).collect();
        others = others
            .into_iter()
            .zip(fits)
            .filter(|(_, fit)| best.contains(fit))
            .map(|(other, _)| other)
            .collect();
        if others.is_empty() {
            return false;
        }
    }
    false
}

/// With which words of a source an answer's or a question's are compared.
#[derive(Clone, Copy)]
enum Reach {
    /// Those that belong to the amount, and those of the sentences around it.
    Around,
    /// Those that belong to it alone: a question may be about several things.
    Own,
}

/// How well words fit an amount of a source.
#[derive(PartialEq, Eq)]
struct Fit {
    own: Words,
    all: Words,
}

impl Fit {
    fn of(words: &Words, stated: &StatedAmount, reach: Reach) -> Self {
        let own = words.common(&stated.own);
        let all = match reach {
            Reach::Around => words.common(&stated.all),
            Reach::Own => own.clone(),
        };
        Self { own, all }
    }

    /// Does this fit all that the other does, and more?
    fn beats(&self, other: &Self) -> bool {
        let more = self.all.len() > other.all.len() || self.own.len() > other.own.len();
        more && other.all.are_in(&self.all) && other.own.are_in(&self.own)
    }
}

/// Does the price name a currency that none of the sources counts in, where they count in one?
fn is_of_another_currency(value: &Value, texts: &[Arc<Text>]) -> bool {
    let Value::Number { unit: Unit::Price(Some(currency)), .. } = value else { return false };
    if *currency == CENTS {
        return false;
    }
    let holds = |text: &&Arc<Text>| text.stated.iter().any(|known| agree(value, &known.value));
    let somewhere = |text: &Arc<Text>| text.currencies.contains(currency);
    let mut holders = texts.iter().filter(holds).peekable();
    let counted = texts.iter().any(|text| !text.currencies.is_empty());
    holders.peek().is_some()
        && counted
        && !holders.any(|text| {
            somewhere(text) || (text.currencies.is_empty() && texts.iter().any(somewhere))
        })
}

/// Does the text hold the number, but in a unit that is another?
fn has_in_another_unit(value: &Value, text: &Text) -> bool {
    let Value::Number { ways, .. } = value else { return false };
    text.stated.iter().any(|known| match &known.value {
        Value::Number { ways: others, .. } => ways.iter().any(|way| others.contains(way)),
        _ => false,
    })
}

/// What the sources state of the matter the answer speaks of: its rows and sentences, and the
/// shares that are told anywhere.
pub(super) fn near(subject: &Subject<'_>, texts: &[Arc<Text>]) -> Vec<Value> {
    let all = || texts.iter().flat_map(|text| &text.stated);
    let mut near = Vec::new();
    for words in [&subject.said.all, subject.question] {
        let fit = |stated: &StatedAmount| words.common(&stated.own).len();
        let best = all().map(fit).max().unwrap_or(0);
        if best > 0 {
            near.extend(all().filter(|stated| fit(stated) == best).map(|one| one.value.clone()));
        }
    }
    near.extend(all().filter(|one| one.class == Class::Percent).map(|one| one.value.clone()));
    near.truncate(NEAR);
    near
}
