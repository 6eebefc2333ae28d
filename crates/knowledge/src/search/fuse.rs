//! Two orders become one.
//!
//! Weighted reciprocal rank fusion (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion
//! outperforms Condorcet", 2009): a passage earns `weight / (K + rank)` from each order it stands
//! in. Ranks, and not scores, are added, because the two are of different kinds. To be first by
//! words says little when a passage holds one name of the question and nothing else of it, as where
//! question and passages are in different languages; so a rank by words weighs as much as the share
//! of the question that the passage speaks for. Vectors always have something to say.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use super::segment::TermHash;

/// How slowly worth falls with rank. The usual 60 is for lists of hundreds; here the first few
/// matter.
const K: f64 = 10.0;
/// Passages that share so much of their runs of three words say the same.
const SAME: f64 = 0.9;

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

/// Joins the order by words with the order by meaning, best first.
pub(super) fn join<P: Copy + Eq + Hash + Ord>(
    words: &[(P, f64)],
    meaning: &[(P, f32)],
) -> Vec<Ranked<P>> {
    let mut joined: HashMap<P, Ranked<P>> = HashMap::new();
    for ((place, score), rank) in words.iter().zip(ranks(words)) {
        let ranked = entry(&mut joined, *place);
        ranked.words = Some(*score);
        ranked.worth += score / (K + f64::from(rank));
    }

    for ((place, likeness), rank) in meaning.iter().zip(ranks(meaning)) {
        let ranked = entry(&mut joined, *place);
        ranked.likeness = Some(*likeness);
        ranked.worth += 1.0 / (K + f64::from(rank));
    }

    let mut joined: Vec<Ranked<P>> = joined.into_values().collect();
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

/// The rank of each, from 1; equals share theirs, or chance would decide between them.
fn ranks<P, T: PartialEq>(ordered: &[(P, T)]) -> impl Iterator<Item = u32> {
    let mut shared = 0;
    ordered.iter().zip(1_u32..).enumerate().map(move |(at, ((_, score), rank))| {
        if at == 0 || ordered[at - 1].1 != *score {
            shared = rank;
        }
        shared
    })
}

fn entry<P: Copy + Eq + Hash>(joined: &mut HashMap<P, Ranked<P>>, place: P) -> &mut Ranked<P> {
    joined.entry(place).or_insert(Ranked { place, words: None, likeness: None, worth: 0.0 })
}

/// The first `most` passages that do not say again what a better one says.
pub(super) fn distinct<P: Copy>(
    ranked: Vec<Ranked<P>>,
    sayings: impl Fn(P) -> Sayings,
    most: usize,
) -> Vec<Ranked<P>> {
    let mut kept: Vec<(Ranked<P>, Sayings)> = Vec::new();
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
pub(super) struct Sayings {
    runs: HashSet<[TermHash; 3]>,
    numbers: Vec<TermHash>,
}

impl Sayings {
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
