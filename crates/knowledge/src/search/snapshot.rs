//! All that an assistant knows at one moment, in memory.

use std::{
    cmp::Ordering,
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use pulp::Arch;
use replyx_core::ids::{DocumentId, PassageId};
use replyx_storage::knowledge::KnownDocument;

use super::{
    lexicon::Lexicon,
    score::{Substitute, WeighedQuestion},
    segment::{Segment, TermHash},
};

/// No more passages than this are compared word by word for one question.
const CANDIDATES: usize = 400;

/// Where a passage stands: which document, and which of its passages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PassageAt {
    segment: u32,
    passage: u32,
}

/// What an assistant knows.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The revision of its knowledge that this is.
    pub(super) revision: i64,
    pub(super) segments: Vec<Arc<Segment>>,
    /// The documents of these, in the same order.
    documents: Vec<KnownDocument>,
    /// How many passages there are.
    pub(super) passages: usize,
    /// How many terms a passage has on average.
    pub(super) mean: f64,
    /// The languages of the documents.
    pub(super) languages: Vec<String>,
    /// The model of the vectors.
    pub(super) model: Option<String>,
    lexicon: OnceLock<Lexicon>,
}

/// Which documents a question is put to.
pub(super) type Filter<'f> = &'f (dyn Fn(&Segment) -> bool + Sync);

impl Snapshot {
    /// What `documents` hold, each with its segment.
    pub(super) fn new(
        revision: i64,
        known: Vec<(KnownDocument, Arc<Segment>)>,
        model: Option<String>,
    ) -> Self {
        let (documents, segments): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let passages: usize = segments.iter().map(|segment| segment.words.ids.len()).sum();
        let length: usize = segments.iter().map(|segment| segment.words.length()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 52 bits")]
        let mean = if passages == 0 { 0.0 } else { length as f64 / passages as f64 };
        let mut languages: Vec<String> = segments
            .iter()
            .map(|segment| segment.language.clone())
            .filter(|language| !language.is_empty())
            .collect();
        languages.sort_unstable();
        languages.dedup();
        let lexicon = OnceLock::new();
        Self { revision, segments, documents, passages, mean, languages, model, lexicon }
    }

    /// What it takes in memory, the documents it shares with others included.
    pub(super) fn bytes(&self) -> usize {
        let segments: usize = self.segments.iter().map(|segment| segment.bytes() + 16).sum();
        let tags = self.documents.iter().flat_map(|document| &document.tags);
        let documents = self.documents.len() * size_of::<KnownDocument>()
            + tags.map(|tag| tag.len() + size_of::<String>()).sum::<usize>();
        let terms = self.lexicon.get().map_or(0, Lexicon::bytes);
        size_of::<Self>() + segments + documents + terms
    }

    /// The documents that an assistant finds which chooses by these tags.
    pub(super) fn tagged(&self, tags: &[String]) -> HashSet<DocumentId> {
        let chosen = self.documents.iter().filter(|document| document.is_chosen_by(tags));
        chosen.map(|document| document.id).collect()
    }

    /// All terms; gathered when first asked for.
    pub(super) fn lexicon(&self) -> &Lexicon {
        self.lexicon.get_or_init(|| Lexicon::of(&self.segments))
    }

    /// In how many passages a term occurs.
    pub(super) fn frequency(&self, term: TermHash) -> usize {
        self.lexicon().frequency(term)
    }

    pub(super) fn id(&self, place: PassageAt) -> PassageId {
        self.segment(place).words.ids[place.passage as usize]
    }

    fn segment(&self, place: PassageAt) -> &Segment {
        &self.segments[place.segment as usize]
    }

    /// The passages whose words fit best, best first, with how well, 0 to 1.
    pub(super) fn by_words(
        &self,
        asked: &WeighedQuestion,
        only: Filter<'_>,
        most: usize,
    ) -> Vec<(PassageAt, f64)> {
        let stands = asked.stands();
        let mut ranked: Vec<(PassageAt, f64)> = Vec::new();
        // What each term of a document stands for. Of thousands a few are asked for, so it is made
        // once.
        let mut known: Vec<Option<Substitute>> = Vec::new();
        let mut numbers: Vec<usize> = Vec::new();
        for (place, found) in self.candidates(asked, &stands, only) {
            let segment = &self.segments[place as usize];
            for number in numbers.drain(..) {
                known[number] = None;
            }
            known.resize(known.len().max(segment.words.terms()), None);
            for (term, stand) in &stands {
                if let Some(number) = segment.words.number(*term) {
                    known[number as usize] = Some(*stand);
                    numbers.push(number as usize);
                }
            }
            for passage in found {
                let stands = |terms: &'_ [u32]| -> Vec<Option<Substitute>> {
                    terms.iter().map(|term| known[*term as usize]).collect()
                };
                let text = stands(segment.words.text(passage as usize));
                let headings = stands(segment.words.headings(passage as usize));
                let score = asked.score(text.into_iter(), headings.into_iter());
                ranked.push((PassageAt { segment: place, passage }, score));
            }
        }
        ranked.sort_by(|(one, a), (other, b)| {
            b.total_cmp(a).then_with(|| self.by_text(*one, *other))
        });
        ranked.truncate(most);
        ranked
    }

    /// Equals are ordered by what they say: ids differ from one database to the next.
    fn by_text(&self, one: PassageAt, other: PassageAt) -> Ordering {
        let digest = |place: PassageAt| self.segment(place).words.digest(place.passage as usize);
        digest(one).cmp(&digest(other)).then(one.cmp(&other))
    }

    /// The passages that hold most of the weight of the question's words, by document.
    fn candidates(
        &self,
        asked: &WeighedQuestion,
        stands: &[(TermHash, Substitute)],
        only: Filter<'_>,
    ) -> Vec<(u32, Vec<u32>)> {
        let mut found: Vec<(f64, PassageAt)> = Vec::new();
        let mut held: Vec<f64> = Vec::new();
        for (segment, place) in self.segments.iter().zip(0_u32..) {
            if !only(segment) {
                continue;
            }

            held.clear();
            held.resize(segment.words.ids.len(), 0.0);
            let mut any = false;
            for (term, stand) in stands {
                let Some(number) = segment.words.number(*term) else { continue };
                any = true;
                for passage in segment.words.holders(number) {
                    held[*passage as usize] += asked.weight(stand.word) * stand.counts;
                }
            }

            if any {
                let holding = held.iter().zip(0_u32..).filter(|(weight, _)| **weight > 0.0);
                found.extend(
                    holding
                        .map(|(weight, passage)| (*weight, PassageAt { segment: place, passage })),
                );
            }
        }

        if found.len() > CANDIDATES {
            found.select_nth_unstable_by(CANDIDATES - 1, |(a, one), (b, other)| {
                b.total_cmp(a).then_with(|| self.by_text(*one, *other))
            });
            found.truncate(CANDIDATES);
        }

        found.sort_unstable_by_key(|(_, place)| *place);
        let mut grouped: Vec<(u32, Vec<u32>)> = Vec::new();
        for (_, place) in found {
            match grouped.last_mut() {
                Some((segment, passages)) if *segment == place.segment => {
                    passages.push(place.passage);
                }
                _ => grouped.push((place.segment, vec![place.passage])),
            }
        }

        grouped
    }

    /// The passages nearest to a question of unit length, nearest first, with their cosines.
    pub(super) fn nearest(
        &self,
        question: &[f32],
        only: Filter<'_>,
        most: usize,
    ) -> Vec<(PassageAt, f32)> {
        let arch = Arch::new();
        let mut found: Vec<(PassageAt, f32)> = Vec::with_capacity(self.passages);
        for (segment, place) in self.segments.iter().zip(0_u32..) {
            if let Some(vectors) = segment.vectors.as_ref().filter(|_| only(segment)) {
                vectors.likeness(arch, question, |passage, likeness| {
                    found.push((PassageAt { segment: place, passage }, likeness));
                });
            }
        }

        let nearer = |(one, a): &(PassageAt, f32), (other, b): &(PassageAt, f32)| {
            b.total_cmp(a).then_with(|| one.cmp(other))
        };
        if found.len() > most && most > 0 {
            found.select_nth_unstable_by(most - 1, nearer);
        }

        found.truncate(most);
        found.sort_unstable_by(nearer);

        found
    }

    /// The cosine of one passage with a question of unit length.
    pub(super) fn likeness(&self, question: &[f32], place: PassageAt) -> Option<f32> {
        let vectors = self.segment(place).vectors.as_ref()?;
        vectors.likeness_of(Arch::new(), question, place.passage)
    }

    /// The terms of a passage, in order.
    pub(super) fn terms(&self, place: PassageAt) -> impl Iterator<Item = (TermHash, &str)> {
        let words = &self.segment(place).words;
        let terms = words.text(place.passage as usize).iter();
        terms.map(|term| (words.hash(*term), words.spelling(*term)))
    }
}
