//! What is kept in memory of one document: the words of its passages, and their vectors.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use replyx_core::ids::{DocumentId, PassageId};
use replyx_storage::indexed::IndexedPassage;
use replyx_text::terms;

use super::vectors::Vectors;

/// A term where only equality matters. Two terms of one assistant share a hash about never; if they
/// do, one passage more is found.
pub(super) type TermHash = u64;

/// The hash of a term; the same in every process.
pub(super) fn hash(term: &str) -> TermHash {
    let mut hasher = DefaultHasher::new();
    term.hash(&mut hasher);
    hasher.finish()
}

/// One document, as search compares it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) document: DocumentId,
    pub(super) revision: i64,
    pub(super) language: String,
    /// The model of its vectors.
    pub(super) model: Option<String>,
    pub(super) words: Words,
    pub(super) vectors: Option<Vectors>,
}

impl Segment {
    pub(super) fn bytes(&self) -> usize {
        self.words.bytes() + self.vectors.as_ref().map_or(0, Vectors::bytes)
    }
}

/// The words of a document's passages. A term is known here by its number: its place among the
/// document's terms in the order of their hashes.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) ids: Vec<PassageId>,
    hashes: Vec<TermHash>,
    spellings: Lists<u8>,
    /// The terms of each passage, in order.
    texts: Lists<u32>,
    /// The terms of each passage's headings.
    headings: Lists<u32>,
    /// The passages that hold each term.
    holders: Lists<u32>,
    /// A hash of what each passage says.
    digests: Vec<u64>,
}

impl Words {
    /// Of the passages of one document in this language.
    pub(super) fn of(passages: &[IndexedPassage], language: &str) -> Self {
        let headings: Vec<String> = heading_terms(passages, language);
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut spelt: Vec<&str> = Vec::new();

        for term in passages
            .iter()
            .map(|passage| &passage.terms)
            .chain(&headings)
            .flat_map(|terms| split(terms))
        {
            numbers.entry(term).or_insert_with(|| {
                spelt.push(term);
                number(spelt.len() - 1)
            });
        }

        let mut order: Vec<(TermHash, &str)> =
            spelt.iter().map(|term| (hash(term), *term)).collect();
        order.sort_unstable();

        for (place, (_, term)) in order.iter().enumerate() {
            numbers.insert(term, number(place));
        }

        let mut texts = Lists::default();
        for passage in passages {
            texts.push(split(&passage.terms).map(|term| numbers[term]));
        }

        let mut heads = Lists::default();
        for headings in &headings {
            heads.push(split(headings).map(|term| numbers[term]));
        }

        let mut spellings = Lists::default();
        for (_, term) in &order {
            spellings.push(term.bytes());
        }

        let holders = holders(&texts, order.len());
        let hashes = order.into_iter().map(|(hash, _)| hash).collect();
        let ids = passages.iter().map(IndexedPassage::id).collect();
        let digests = passages.iter().map(|passage| hash(&passage.terms)).collect();
        Self { ids, hashes, spellings, texts, headings: heads, holders, digests }
    }

    /// How many different terms there are.
    pub(super) fn terms(&self) -> usize {
        self.hashes.len()
    }

    /// The number of a term, if it occurs.
    pub(super) fn number(&self, hash: TermHash) -> Option<u32> {
        place_of(hash, &self.hashes).map(number)
    }

    pub(super) fn hash(&self, term: u32) -> TermHash {
        self.hashes[term as usize]
    }

    pub(super) fn spelling(&self, term: u32) -> &str {
        std::str::from_utf8(self.spellings.get(term as usize)).unwrap_or_default()
    }

    /// The passages that hold a term, in order.
    pub(super) fn holders(&self, term: u32) -> &[u32] {
        self.holders.get(term as usize)
    }

    /// The terms of a passage, in order.
    pub(super) fn text(&self, passage: usize) -> &[u32] {
        self.texts.get(passage)
    }

    /// A number that only passages of the same terms share, the same on every home.
    pub(super) fn digest(&self, passage: usize) -> u64 {
        self.digests[passage]
    }

    /// The terms of a passage's headings.
    pub(super) fn headings(&self, passage: usize) -> &[u32] {
        self.headings.get(passage)
    }

    /// How many terms all passages hold, with repetitions.
    pub(super) fn length(&self) -> usize {
        self.texts.items.len()
    }

    fn bytes(&self) -> usize {
        let lists = [&self.texts, &self.headings, &self.holders];
        let numbers: usize = lists.iter().map(|list| list.items.len() + list.ends.len()).sum();
        self.ids.len() * 24
            + self.hashes.len() * 12
            + self.spellings.items.len()
            + numbers * 4
            + size_of::<Self>()
    }
}

/// The stems of the headings of each passage; neighbours mostly share theirs.
fn heading_terms(passages: &[IndexedPassage], language: &str) -> Vec<String> {
    let mut stems: Vec<String> = Vec::with_capacity(passages.len());
    for (place, passage) in passages.iter().enumerate() {
        let same = place > 0 && passages[place - 1].headings == passage.headings;
        let found = if same {
            stems[place - 1].clone()
        } else {
            terms::index_terms(&passage.headings, language)
        };
        stems.push(found);
    }
    stems
}

fn holders(texts: &Lists<u32>, terms: usize) -> Lists<u32> {
    let mut holding: Vec<Vec<u32>> = vec![Vec::new(); terms];
    for passage in 0..texts.len() {
        for term in texts.get(passage) {
            let held = &mut holding[*term as usize];
            if held.last() != Some(&number(passage)) {
                held.push(number(passage));
            }
        }
    }
    let mut lists = Lists::default();
    for held in holding {
        lists.push(held.into_iter());
    }
    lists
}

fn split(terms: &str) -> impl Iterator<Item = &str> {
    terms.split(' ').filter(|term| !term.is_empty())
}

/// A document's passages and terms are counted in 32 bits: texts are bounded far below.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Where a hash stands in a list that rises. Hashes are spread evenly, so each stands near its
/// share of the whole range: to look there first spares most of the jumps through memory of a
/// search that halves.
fn place_of(hash: TermHash, hashes: &[TermHash]) -> Option<usize> {
    let count = hashes.len();
    let share = (u128::from(hash) * count as u128) >> 64;
    let guess = usize::try_from(share).unwrap_or(count);
    let mut from = guess;
    let mut to = guess;
    let mut step = 16;
    while from > 0 && hashes[from] > hash {
        from = from.saturating_sub(step);
        step *= 2;
    }
    step = 16;
    while to < count && hashes[to] < hash {
        to = count.min(to + step);
        step *= 2;
    }
    let near = &hashes[from..count.min(to + 1)];
    near.binary_search(&hash).ok().map(|place| from + place)
}

/// Lists of different lengths, packed.
#[derive(Debug)]
struct Lists<T> {
    items: Vec<T>,
    ends: Vec<u32>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    fn push(&mut self, list: impl Iterator<Item = T>) {
        self.items.extend(list);
        self.ends.push(number(self.items.len()));
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, place: usize) -> &[T] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start as usize..self.ends[place] as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_is_found_wherever_it_stands(
            mut hashes in prop::collection::vec(prop_oneof![any::<u64>(), 0..99_u64, u64::MAX - 99..], 0..400),
            other in any::<u64>(),
        ) {
            hashes.sort_unstable();
            hashes.dedup();
            for hash in hashes.iter().copied().chain([other, 0, u64::MAX]) {
                prop_assert_eq!(place_of(hash, &hashes), hashes.binary_search(&hash).ok());
            }
        }
    }
}
