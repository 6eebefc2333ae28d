//! Two orders become one.
//!
//! A passage is worth its cosine and, as a second voice, a share of its score by words. Scores are
//! added, and not ranks: what customers write has few words in common with the passage that answers
//! it, and to be first by words among passages that all hold one of them by chance says nothing,
//! where a score says how little it is. How much words count beside meaning was chosen on sets of
//! different kinds at once (docs/evaluation.md).

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use super::segment::TermHash;

/// What a full score by words is worth, as a share of the stretch between the cosine of texts that
/// have nothing in common and that of the same text.
const WORDS: f64 = 0.4;
/// Passages that share so much of their runs of three words say the same.
const SAME: f64 = 0.9;

/// The cosines of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// What texts have that have nothing in common: below it there is no farther.
    pub(super) nothing: f64,
    /// From there to the same text.
    pub(super) spread: f64,
}

/// A passage with what each order says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked<P> {
    pub(super) place: P,
    /// Its score by words, 0 to 1.
    pub(super) words: Option<f64>,
    /// The cosine of its vector with the question's.
    pub(super) likeness: Option<f32>,
    /// What it is ordered by.
    pub(super) worth: f64,
}

impl<P> Ranked<P> {
    /// The same, of a passage that is named otherwise.
    pub(super) fn at<Q>(self, place: Q) -> Ranked<Q> {
        let Self { words, likeness, worth, .. } = self;
        Ranked { place, words, likeness, worth }
    }
}

/// Joins what words found with what is near in meaning, best first.
///
/// A passage that has no likeness is as near as the least near one: had it a vector, it would stand
/// behind that one.
pub(super) fn join<P: Copy + Eq + Hash + Ord>(
    words: &[(P, f64)],
    meaning: &[(P, f32)],
    scale: Scale,
) -> Vec<Ranked<P>> {
    let mut joined: HashMap<P, Ranked<P>> = HashMap::new();
    for (place, score) in words {
        entry(&mut joined, *place).words = Some(*score);
    }
    for (place, likeness) in meaning {
        entry(&mut joined, *place).likeness = Some(*likeness);
    }

    let least = meaning.iter().map(|(_, likeness)| f64::from(*likeness)).reduce(f64::min);
    let least = least.unwrap_or_default();
    let mut joined: Vec<Ranked<P>> = joined.into_values().collect();
    for one in &mut joined {
        let likeness = one.likeness.map_or(least, f64::from).max(scale.nothing);
        one.worth = likeness + WORDS * scale.spread * one.words.unwrap_or_default();
    }

    joined.sort_by(|one, other| {
        other
            .worth
            .total_cmp(&one.worth)
            .then_with(|| other.words.unwrap_or(0.0).total_cmp(&one.words.unwrap_or(0.0)))
            .then_with(|| other.likeness.unwrap_or(0.0).total_cmp(&one.likeness.unwrap_or(0.0)))
            .then_with(|| one.place.cmp(&other.place))
    });

    joined
}

fn entry<P: Copy + Eq + Hash>(joined: &mut HashMap<P, Ranked<P>>, place: P) -> &mut Ranked<P> {
    joined.entry(place).or_insert(Ranked { place, words: None, likeness: None, worth: 0.0 })
}

/// The first `most` passages that do not say again what a better one says.
pub(super) fn distinct<P: Copy>(
    ranked: Vec<Ranked<P>>,
    sayings: impl Fn(P) -> Shingles,
    most: usize,
) -> Vec<Ranked<P>> {
    let mut kept: Vec<(Ranked<P>, Shingles)> = Vec::new();
    for one in ranked {
        if kept.len() == most {
            break;
        }
        let said = sayings(one.place);
        if !kept.iter().any(|(_, known)| known.same(&said)) {
            kept.push((one, said));
        }
    }
    kept.into_iter().map(|(ranked, _)| ranked).collect()
}

/// What a passage says, to be compared with another: the runs of three of its words, and its
/// numbers.
pub(super) struct Shingles {
    runs: HashSet<[TermHash; 3]>,
    numbers: Vec<TermHash>,
}

impl Shingles {
    /// Of a passage with these terms, in order.
    pub(super) fn of<'t>(passage: impl Iterator<Item = (TermHash, &'t str)>) -> Self {
        let mut terms: Vec<TermHash> = Vec::new();
        let mut numbers: Vec<TermHash> = Vec::new();
        for (term, spelling) in passage {
            terms.push(term);
            if spelling.contains(char::is_numeric) {
                numbers.push(term);
            }
        }
        numbers.sort_unstable();
        terms.extend([0, 0]);
        let runs = terms.windows(3).map(|three| [three[0], three[1], three[2]]).collect();
        Self { runs, numbers }
    }

    /// Two prices for two towns are two sayings, however alike the sentences.
    fn same(&self, other: &Self) -> bool {
        let fewer = self.runs.len().min(other.runs.len());
        let more = self.runs.len().max(other.runs.len());
        #[expect(clippy::cast_precision_loss, reason = "passages are short")]
        let ratio = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        if ratio(fewer, more) < SAME || self.numbers != other.numbers {
            return false;
        }
        let shared = self.runs.intersection(&other.runs).count();
        ratio(shared, self.runs.len() + other.runs.len() - shared) >= SAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &[(u8, f64)], meaning: &[(u8, f32)]) -> Vec<u8> {
        join(words, meaning, Scale { nothing: 0.75, spread: 0.15 })
            .into_iter()
            .map(|ranked| ranked.place)
            .collect()
    }

    #[test]
    fn a_word_shared_by_chance_does_not_outweigh_meaning() {
        assert_eq!(order(&[(1, 0.15), (2, 0.1)], &[(2, 0.87), (1, 0.85)]), [2, 1]);
        assert_eq!(order(&[(1, 0.9), (2, 0.1)], &[(2, 0.87), (1, 0.85)]), [1, 2]);
    }

    #[test]
    fn what_is_far_is_found_by_its_words_however_far_it_is() {
        assert_eq!(order(&[(1, 0.5)], &[(2, 0.9), (3, 0.2), (4, 0.3), (1, 0.1)]), [2, 1, 4, 3]);
    }

    #[test]
    fn what_has_no_vector_is_as_near_as_the_least_near() {
        assert_eq!(order(&[(1, 0.4), (2, 0.9)], &[(3, 0.9), (4, 0.83)]), [3, 2, 1, 4]);
        assert_eq!(order(&[(1, 0.4), (2, 0.9)], &[]), [2, 1]);
    }
}
