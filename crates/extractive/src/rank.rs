//! Which units speak of what is asked, and how surely.

use std::collections::HashMap;

use replyx_text::terms;

use super::{
    evidence::{SeenWord, evidence},
    lexicon::{WITHOUT, Wanted, lowered},
    likeness::{Word, part},
    question::{Question, pieces},
    units::Unit,
};

/// How much a word counts when it stands not in the unit but beside it.
const IN_HEADING: f32 = 0.8;
const IN_INTRO: f32 = 0.85;
const IN_PREVIOUS: f32 = 0.5;
const IN_NEXT: f32 = 0.4;
/// How much a kind of thing counts that is not named but there to see.
const SHOWN: f32 = 0.9;
/// How much a word counts that a unit names as left out: `the slider without the zip` is not about
/// the zip.
const LEFT_OUT: f32 = 0.5;
/// So many words after `without` are what is left out.
const LEFT_OUT_WORDS: usize = 3;
/// A likeness from which a word counts as spoken of.
const SPOKEN: f32 = 0.6;

/// What is known of a unit.
#[derive(Clone, Debug)]
pub(super) struct Ranked {
    /// How well it answers, for comparing units of one question.
    pub(super) score: f32,
    /// How much of what is asked stands in the unit itself, per word of the question.
    pub(super) own: Vec<f32>,
    /// The same, with what stands beside it.
    pub(super) around: Vec<f32>,
}

/// The units of some sources, ranked for one question.
pub(super) struct Ranking {
    /// Weight of each word of the question; they sum to 1.
    pub(super) weights: Vec<f32>,
    /// What is known of each unit.
    pub(super) units: Vec<Ranked>,
}

impl Ranking {
    pub(super) fn of(question: &Question, units: &[Unit]) -> Self {
        let mut vocabulary = Vocabulary::new(question);
        let words: Vec<Vec<Spoken>> =
            units.iter().map(|unit| vocabulary.spoken(&unit.text)).collect();

        let evidence: Vec<f32> = units
            .iter()
            .zip(&words)
            .map(|(unit, words)| evidence_in(question.wanted, unit, words, &vocabulary))
            .collect();

        let own: Vec<Vec<f32>> = words
            .iter()
            .zip(&evidence)
            .map(|(words, evidence)| with_kind(question, vocabulary.best(words), *evidence))
            .collect();

        let weights = weights(question, &own);
        let mut headings: HashMap<&str, Vec<f32>> = HashMap::new();
        let mut around: Vec<(Vec<f32>, Vec<f32>)> = Vec::with_capacity(units.len());
        for (at, unit) in units.iter().enumerate() {
            let heading = headings.entry(&unit.headings).or_insert_with(|| {
                let words = vocabulary.spoken(&unit.headings);
                vocabulary.best(&words)
            });
            around.push(surroundings(at, units, &own, heading));
        }

        let average = part(words.iter().map(Vec::len).sum(), words.len()).max(1.0);
        let ranked = units.iter().enumerate().map(|(at, unit)| {
            let length = part(words[at].len(), 1) / average;
            let pairs = pairs(&words[at], &vocabulary, question.asked.len());
            let prior = 1.0 / (1.0 + part(unit.source, 1));
            let kind = if question.wanted == Wanted::Anything { 0.0 } else { 0.2 * evidence[at] };

            let mut score = 0.6 * weighed(&weights, &around[at].0)
                + 0.4 * weighed(&weights, &around[at].1)
                + 0.15 * pairs
                + kind
                + 0.08 * prior
                - 0.03 * (length - 1.0).clamp(-1.0, 2.0);

            if unit.asks() {
                score *= 0.3;
            }

            Ranked { score, own: own[at].clone(), around: around[at].1.clone() }
        });

        let units = ranked.collect();
        Self { weights, units }
    }

    /// How much of what is asked these words cover, 0 to 1.
    pub(super) fn coverage(&self, covered: &[f32]) -> f32 {
        weighed(&self.weights, covered)
    }
}

/// A unit that holds the wanted kind of thing speaks of it without naming it.
fn with_kind(question: &Question, mut best: Vec<f32>, evidence: f32) -> Vec<f32> {
    for (asked, best) in question.asked.iter().zip(&mut best) {
        if asked.kind {
            *best = best.max(SHOWN * evidence);
        }
    }
    best
}

fn weighed(weights: &[f32], covered: &[f32]) -> f32 {
    weights.iter().zip(covered).map(|(weight, covered)| weight * covered).sum()
}

/// Rare words weigh more (inverse frequency over the units, as in BM25); a word that no unit has
/// weighs as much as one that a single unit has.
fn weights(question: &Question, own: &[Vec<f32>]) -> Vec<f32> {
    let raw: Vec<f32> = question
        .asked
        .iter()
        .enumerate()
        .map(|(asked, word)| {
            let having = own.iter().filter(|unit| unit[asked] >= SPOKEN).count().max(1);
            let rest = part(own.len().saturating_sub(having), 1);
            word.weight * (1.0 + (rest + 0.5) / (part(having, 1) + 0.5)).ln().max(0.2)
        })
        .collect();
    let sum: f32 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum.max(f32::MIN_POSITIVE)).collect()
}

/// What stands in a unit or above it, and the same with the neighbours.
fn surroundings(
    at: usize,
    units: &[Unit],
    own: &[Vec<f32>],
    heading: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let unit = &units[at];
    let beside = |other: Option<usize>, share: f32| {
        other
            .filter(|other| units.get(*other).is_some_and(|other| other.block == unit.block))
            .map(|other| (other, share))
    };
    let neighbours = [beside(at.checked_sub(1), IN_PREVIOUS), beside(Some(at + 1), IN_NEXT)];
    let intro = unit.intro.filter(|intro| *intro != at);
    (0..heading.len())
        .map(|asked| {
            let introduced = intro.map_or(0.0, |intro| IN_INTRO * own[intro][asked]);
            let direct = own[at][asked].max(IN_HEADING * heading[asked]).max(introduced);
            let near = neighbours.iter().flatten().map(|(other, share)| share * own[*other][asked]);
            (direct, near.fold(direct, f32::max))
        })
        .unzip()
}

/// The share of neighbouring words of the question that stand close together here too.
fn pairs(words: &[Spoken], vocabulary: &Vocabulary<'_>, asked: usize) -> f32 {
    if asked < 2 {
        return 0.0;
    }
    let places = |asked: usize| {
        let like = &vocabulary.likeness[asked];
        words.iter().enumerate().filter(move |(_, word)| like[word.id] >= SPOKEN).map(|(at, _)| at)
    };
    let close = (1..asked)
        .filter(|second| {
            places(second - 1).any(|a| places(*second).any(|b| a != b && a.abs_diff(b) <= 3))
        })
        .count();
    part(close, asked - 1)
}

/// How well a unit shows what is wanted.
fn evidence_in(wanted: Wanted, unit: &Unit, words: &[Spoken], vocabulary: &Vocabulary<'_>) -> f32 {
    let seen: Vec<SeenWord> = words
        .iter()
        .map(|word| SeenWord::new(&unit.text[word.start..word.end], vocabulary.is_asked(word.id)))
        .collect();
    evidence(wanted, &unit.text, &seen)
}

/// A word in a text.
struct Spoken {
    id: usize,
    start: usize,
    end: usize,
    /// How much it counts.
    share: f32,
}

/// All words met, each compared with the question's once.
struct Vocabulary<'a> {
    question: &'a Question,
    ids: HashMap<String, usize>,
    /// By word of the question, then by id.
    likeness: Vec<Vec<f32>>,
}

impl<'a> Vocabulary<'a> {
    fn new(question: &'a Question) -> Self {
        let likeness = vec![Vec::new(); question.asked.len()];
        Self { question, ids: HashMap::new(), likeness }
    }

    fn spoken(&mut self, text: &str) -> Vec<Spoken> {
        let mut found = Vec::new();
        let mut left_out = 0;
        let mut before = 0;
        for term in terms::terms(text) {
            let start = term.start;
            let end = term.end;
            let goes_on = text.get(before..start).is_some_and(|between| between.trim().is_empty());
            left_out = if goes_on { left_out } else { 0 };
            let share = if left_out > 0 && !self.question.leaves_out { LEFT_OUT } else { 1.0 };
            before = end;
            left_out = if WITHOUT.has(&lowered(&text[start..end])) {
                LEFT_OUT_WORDS
            } else {
                left_out.saturating_sub(1)
            };
            for stem in pieces(&text[start..end], term.stem) {
                found.push(Spoken { id: self.id(stem), start, end, share });
            }
        }
        found
    }

    fn id(&mut self, stem: String) -> usize {
        if let Some(id) = self.ids.get(&stem) {
            return *id;
        }
        let word = Word::of(&stem);
        for (asked, likeness) in self.question.asked.iter().zip(&mut self.likeness) {
            likeness.push(asked.word.likeness(&word));
        }
        let id = self.ids.len();
        self.ids.insert(stem, id);
        id
    }

    /// For each word of the question, the likeness of the word nearest to it.
    fn best(&self, words: &[Spoken]) -> Vec<f32> {
        let best = |likeness: &Vec<f32>| {
            words.iter().map(|word| word.share * likeness[word.id]).fold(0.0, f32::max)
        };
        self.likeness.iter().map(best).collect()
    }

    fn is_asked(&self, id: usize) -> bool {
        self.likeness.iter().any(|likeness| likeness[id] >= SPOKEN)
    }
}
