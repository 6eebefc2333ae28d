//! How well a passage fits a question: BM25 and what it does not see.
//!
//! BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009; `k1` 1.2, `b` 0.75) weighs
//! each word by its rarity among the assistant's passages. On top of it, words in the headings and words that stand
//! beside each other as in the question count more.

use std::collections::HashMap;

use replyx_core::{ids::PassageId, terms};
use replyx_storage::passages::Candidate;

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// What a word in a heading adds, in weights of the word.
const IN_HEADING: f64 = 0.4;
/// What two neighbours of the question add when they are neighbours in the passage, in mean weights of the two.
const PAIR: f64 = 0.5;
/// Neighbours may have this many words between them, so that `delivery to Moscow` is still `delivery Moscow`.
const BETWEEN: usize = 1;

/// A question's words and what they weigh.
pub(super) struct Asked<'q> {
    terms: Vec<Term<'q>>,
    mean: f64,
}

struct Term<'q> {
    stem: &'q str,
    frequency: i64,
    weight: f64,
}

impl<'q> Asked<'q> {
    /// `frequencies[i]` of the `count` passages hold `terms[i]`; passages have `mean` stems.
    pub(super) fn new(terms: &'q [String], frequencies: &[i64], count: i64, mean: f64) -> Self {
        let terms = terms.iter().zip(frequencies).map(|(stem, frequency)| Term {
            stem,
            frequency: *frequency,
            weight: weight(*frequency, count),
        });
        Self { terms: terms.collect(), mean: mean.max(1.0) }
    }

    /// The rarest words that together occur in at most `most` passages; always one that occurs at all, if any
    /// does.
    pub(super) fn rare_terms(&self, most: i64) -> Vec<String> {
        let mut known: Vec<&Term<'_>> =
            self.terms.iter().filter(|term| term.frequency > 0).collect();
        known.sort_by_key(|term| term.frequency);
        let mut total = 0;
        known
            .into_iter()
            .enumerate()
            .take_while(|(rank, term)| {
                total += term.frequency;
                *rank == 0 || total <= most
            })
            .map(|(_, term)| term.stem.to_owned())
            .collect()
    }

    /// What a passage made of nothing but the question's words would come to.
    fn ideal(&self) -> f64 {
        self.terms.iter().map(|term| term.weight * (K1 + 1.0)).sum()
    }
}

/// The inverse document frequency, in the form that is never negative.
#[expect(clippy::cast_precision_loss, reason = "counts of passages stay far below 2^52")]
fn weight(frequency: i64, count: i64) -> f64 {
    let (frequency, count) = (frequency as f64, count.max(frequency) as f64);
    ((count - frequency + 0.5) / (frequency + 0.5)).ln_1p()
}

/// Orders candidates, best first, with a score from 0 to 1.
pub(super) fn rank(asked: &Asked<'_>, candidates: Vec<Candidate>) -> Vec<(PassageId, f64)> {
    let ideal = asked.ideal();
    let places: HashMap<&str, usize> =
        asked.terms.iter().enumerate().map(|(place, term)| (term.stem, place)).collect();
    let mut ranked: Vec<(f64, Candidate)> = candidates
        .into_iter()
        .map(|candidate| ((score(asked, &places, &candidate) / ideal).clamp(0.0, 1.0), candidate))
        .collect();
    // Equals are ordered by what they say: ids differ from one database to the next.
    ranked.sort_by(|(a, one), (b, other)| {
        b.total_cmp(a)
            .then_with(|| one.terms.cmp(&other.terms))
            .then_with(|| one.id().cmp(&other.id()))
    });
    ranked.into_iter().map(|(score, candidate)| (candidate.id(), score)).collect()
}

fn score(asked: &Asked<'_>, places: &HashMap<&str, usize>, candidate: &Candidate) -> f64 {
    let mut seen = vec![0_u32; asked.terms.len()];
    let mut paired = vec![false; asked.terms.len()];
    // The question's words that stand last in the passage so far, with how far back.
    let mut recent: Option<(usize, usize)> = None;
    let mut length = 0_u32;
    for (at, stem) in candidate.terms.split(' ').enumerate() {
        length += 1;
        let Some(place) = places.get(stem).copied() else { continue };
        seen[place] += 1;
        if let Some((before, stood)) = recent
            && place == before + 1
            && at - stood <= BETWEEN + 1
        {
            paired[place] = true;
        }
        recent = Some((place, at));
    }
    let norm = K1 * (1.0 - B + B * f64::from(length) / asked.mean);
    let mut total = 0.0;
    for (place, term) in asked.terms.iter().enumerate() {
        let times = f64::from(seen[place]);
        total += term.weight * times * (K1 + 1.0) / (times + norm);
        if paired[place] {
            total += PAIR * f64::midpoint(term.weight, asked.terms[place - 1].weight);
        }
    }
    if !candidate.headings.is_empty() {
        let headings = terms::index_text(&candidate.headings);
        for (place, term) in asked.terms.iter().enumerate() {
            if seen[place] > 0 && headings.split(' ').any(|stem| stem == term.stem) {
                total += IN_HEADING * term.weight;
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_weigh_more_and_no_weight_is_negative() {
        assert!(weight(1, 100) > weight(50, 100));
        assert!(weight(100, 100) > 0.0);
        assert!(weight(7, 5) > 0.0);
    }

    #[test]
    fn the_rarest_words_choose_the_candidates() {
        let terms: Vec<String> = ["all", "rare", "none", "some"].map(str::to_owned).into();
        let asked = Asked::new(&terms, &[1000, 2, 0, 50], 1000, 10.0);
        assert_eq!(asked.rare_terms(400), ["rare", "some"]);
        let asked = Asked::new(&terms[..1], &[1000], 1000, 10.0);
        assert_eq!(asked.rare_terms(400), ["all"]);
        let asked = Asked::new(&terms[2..3], &[0], 1000, 10.0);
        assert!(asked.rare_terms(400).is_empty());
    }
}
