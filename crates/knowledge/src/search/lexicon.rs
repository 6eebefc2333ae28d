//! All terms of an assistant in alphabetical order, to find the relatives and the right spelling of
//! a word.

use std::{collections::HashMap, sync::Arc};

use super::{
    segment::{Segment, TermHash},
    spelling::{LONG, distance, kinship, shared_beginning, tolerated},
};

/// Words that share at least so many letters of their beginning may be relatives.
const SHARED: usize = 4;
/// And so much of both, see [`kinship`].
const KIN: f64 = 0.74;
/// No more relatives of a word are taken.
const MOST_KIN: usize = 8;
/// No more corrections of a word are taken.
const MOST_CORRECTIONS: usize = 3;
/// No more terms are looked at for the relatives of a word.
const MOST_SEEN: usize = 4_000;

/// Where a term is spelt, and in how many passages it occurs.
#[derive(Clone, Copy, Debug)]
struct Entry {
    segment: u32,
    term: u32,
    passages: u32,
}

/// A term of the assistant that a word of a question may stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LikelyTerm {
    pub(super) hash: TermHash,
    /// How much of the word it is, 0 to 1.
    pub(super) likely: f64,
}

/// The terms of an assistant.
#[derive(Debug)]
pub(super) struct Lexicon {
    segments: Vec<Arc<Segment>>,
    entries: Vec<Entry>,
    frequencies: HashMap<TermHash, u32>,
}

impl Lexicon {
    pub(super) fn of(segments: &[Arc<Segment>]) -> Self {
        let mut known: HashMap<TermHash, Entry> = HashMap::new();
        for (segment, place) in segments.iter().zip(0_u32..) {
            for term in 0..u32::try_from(segment.words.terms()).unwrap_or(u32::MAX) {
                let passages = u32::try_from(segment.words.holders(term).len()).unwrap_or(u32::MAX);
                known
                    .entry(segment.words.hash(term))
                    .or_insert(Entry { segment: place, term, passages: 0 })
                    .passages += passages;
            }
        }
        let frequencies = known.iter().map(|(term, entry)| (*term, entry.passages)).collect();
        let mut entries: Vec<Entry> = known.into_values().collect();
        let spelling = |entry: &Entry| segments[entry.segment as usize].words.spelling(entry.term);
        entries.sort_unstable_by(|a, b| spelling(a).cmp(spelling(b)));
        Self { segments: segments.to_vec(), entries, frequencies }
    }

    /// In how many passages a term occurs.
    pub(super) fn frequency(&self, term: TermHash) -> usize {
        self.frequencies.get(&term).map_or(0, |passages| *passages as usize)
    }

    pub(super) fn bytes(&self) -> usize {
        self.entries.len() * (size_of::<Entry>() + 24)
    }

    fn spelling(&self, entry: Entry) -> &str {
        self.segments[entry.segment as usize].words.spelling(entry.term)
    }

    fn hash(&self, entry: Entry) -> TermHash {
        self.segments[entry.segment as usize].words.hash(entry.term)
    }

    /// Terms that begin so much like a stem that they are words of one family, closest first:
    /// `доставить` for `доставка`, `shipment` for `ship`.
    pub(super) fn kin(&self, stem: &str) -> Vec<LikelyTerm> {
        let letters: Vec<char> = stem.chars().collect();
        if letters.len() < SHARED || letters.iter().any(|c| c.is_numeric()) {
            return Vec::new();
        }
        let beginning: String = letters[..SHARED].iter().collect();
        let from = self.entries.partition_point(|entry| self.spelling(*entry) < beginning.as_str());
        let mut found: Vec<(f64, Entry)> = Vec::new();
        for entry in self.entries[from..].iter().take(MOST_SEEN) {
            let spelling = self.spelling(*entry);
            if !spelling.starts_with(&beginning) {
                break;
            }
            let other: Vec<char> = spelling.chars().collect();
            let kinship = kinship(&letters, &other);
            if kinship >= KIN && spelling != stem && shared_beginning(&letters, &other) >= SHARED {
                found.push((kinship, *entry));
            }
        }
        self.best(found, MOST_KIN)
    }

    /// The terms that a stem may be a misspelling of, closest first, those that occur most before
    /// others.
    pub(super) fn corrections(&self, stem: &str) -> Vec<LikelyTerm> {
        let letters: Vec<char> = stem.chars().collect();
        let most = tolerated(letters.len());
        if most == 0 || letters.iter().any(|c| c.is_numeric()) {
            return Vec::new();
        }
        let script = is_latin(letters[0]);
        let mut found: Vec<(usize, Entry)> = Vec::new();
        let mut buffer: Vec<char> = Vec::new();
        for entry in &self.entries {
            let spelling = self.spelling(*entry);
            // Letters take one byte or two: lengths that cannot match are told without counting.
            if spelling.len() > 2 * (letters.len() + most) || spelling.len() + most < letters.len()
            {
                continue;
            }
            buffer.clear();
            buffer.extend(spelling.chars());
            if buffer.first().is_some_and(|c| is_latin(*c) == script)
                && let Some(apart) = distance(&letters, &buffer, most)
                && (apart < 2 || letters.len() >= LONG || letters[0] == buffer[0])
            {
                found.push((apart, *entry));
            }
        }
        let least = found.iter().map(|(apart, _)| *apart).min().unwrap_or_default();
        found.retain(|(apart, _)| *apart == least);
        let likely = if least <= 1 { 0.8 } else { 0.6 };
        self.best(found.into_iter().map(|(_, entry)| (likely, entry)).collect(), MOST_CORRECTIONS)
    }

    /// Ordered by likelihood, then by how often they occur, then by spelling: the order must not
    /// hang on the database.
    fn best(&self, mut found: Vec<(f64, Entry)>, most: usize) -> Vec<LikelyTerm> {
        found.sort_by(|(a, one), (b, other)| {
            b.total_cmp(a)
                .then(other.passages.cmp(&one.passages))
                .then_with(|| self.spelling(*one).cmp(self.spelling(*other)))
        });
        found.truncate(most);
        found
            .into_iter()
            .map(|(likely, entry)| LikelyTerm { hash: self.hash(entry), likely })
            .collect()
    }
}

const fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
}
