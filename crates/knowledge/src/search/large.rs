//! Search through the indexes of the database, for an assistant that knows too much for the memory.
//!
//! By words the full-text index is asked, and the words as they are asked: relatives and
//! misspellings need all terms at hand. Candidates are those passages that hold the question's
//! rarest words: common ones decide nothing, and would bring half the index along. By meaning the
//! database's index of vectors is asked, where it has one. That finds nearly all of the nearest;
//! their order comes from the exact vectors.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use pulp::Arch;
use replyx_core::ids::{AssistantId, DocumentId, PassageId, WorkspaceId};
use replyx_storage::{
    Db, StorageError, Tx,
    knowledge::{Head, KnownDocument},
    neighbours::NeighbourSet,
};
use replyx_text::terms;

use super::{
    Mode, Query,
    asked::meaningful,
    fuse::{self, Ranked, Shingles},
    meaning::scale,
    score::{Substitute, WeighedQuestion, Word},
    segment::hash,
    vectors::Vectors,
};

/// So many passages of each order are joined.
pub(super) const DEPTH: usize = 100;
/// No more passages than this are compared for one question.
const CANDIDATES: u32 = 400;
/// So many stems are kept with how often they occur.
const COUNTED: usize = 20_000;

/// What is kept in memory of a large assistant, as long as what it knows does not change.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) documents: Vec<KnownDocument>,
    pub(super) head: Head,
    /// The vectors in the database's index, if it has them.
    pub(super) set: Option<NeighbourSet>,
    /// In how many passages stems occur that were asked for: to count a common one takes longer
    /// than all the rest, and common ones are asked for again and again.
    counts: Mutex<HashMap<String, i64>>,
}

impl Listed {
    pub(super) fn new(
        documents: Vec<KnownDocument>,
        head: Head,
        set: Option<NeighbourSet>,
    ) -> Self {
        Self { documents, head, set, counts: Mutex::default() }
    }

    /// About what it takes in memory at most.
    pub(super) fn bytes(&self) -> usize {
        let tags = self.documents.iter().flat_map(|document| &document.tags);
        let tags: usize = tags.map(|tag| tag.len() + size_of::<String>()).sum();
        self.documents.len() * size_of::<KnownDocument>() + tags + COUNTED * 64
    }

    /// In how many passages each of these stems occurs.
    async fn frequencies(
        &self,
        tx: &mut Tx,
        (workspace, assistant): (WorkspaceId, AssistantId),
        stems: Vec<String>,
    ) -> Result<HashMap<String, i64>, StorageError> {
        let counts = || self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = HashMap::new();
        let mut unknown = Vec::new();
        {
            let counts = counts();
            for stem in stems {
                match counts.get(&stem) {
                    Some(count) => _ = found.insert(stem, *count),
                    None => unknown.push(stem),
                }
            }
        }

        if unknown.is_empty() {
            return Ok(found);
        }

        let counted = tx.workspace(workspace).passages().frequencies(assistant, &unknown).await?;
        let mut counts = counts();
        if counts.len() + unknown.len() > COUNTED {
            counts.clear();
        }

        for (stem, count) in unknown.into_iter().zip(counted) {
            counts.insert(stem.clone(), count);
            found.insert(stem, count);
        }

        Ok(found)
    }
}

/// A question put to a large assistant.
#[derive(Clone, Copy, Debug)]
pub(super) struct LargeSearch<'l> {
    pub(super) whose: (WorkspaceId, AssistantId),
    pub(super) listed: &'l Listed,
    /// The vectors to compare with, and the question's, of unit length.
    pub(super) vectors: Option<(&'l NeighbourSet, &'l [f32])>,
}

/// An order of passages, and the terms of each, joined by spaces.
struct Ordered<T> {
    order: Vec<(PassageId, T)>,
    terms: HashMap<PassageId, String>,
}

/// The passages that fit best, best first, at most `most`.
pub(super) async fn find(
    db: &Db,
    large: LargeSearch<'_>,
    query: &Query<'_>,
    most: usize,
) -> Result<Vec<Ranked<PassageId>>, StorageError> {
    let wanted = wanted(&large.listed.documents, query);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }

    let depth = DEPTH.max(most);
    let near = near(db, large, query, &wanted, depth).await?;
    let mut tx = db.read().await?;
    let words = if query.mode == Mode::Vectors && large.vectors.is_some() {
        Ordered { order: Vec::new(), terms: HashMap::new() }
    } else {
        words(&mut tx, large, query, &wanted, depth).await?
    };

    let mut terms = words.terms;
    terms.extend(near.terms);
    let sayings = |id: PassageId| {
        let terms = terms.get(&id).map(String::as_str).unwrap_or_default();
        Shingles::of(terms.split(' ').map(|term| (hash(term), term)))
    };

    let mut near = near.order;
    if let Some((set, question)) = large.vectors {
        let known: HashSet<PassageId> = near.iter().map(|(id, _)| *id).collect();
        let far = words.order.iter().map(|(id, _)| *id).filter(|id| !known.contains(id));
        let far: Vec<PassageId> = far.collect();
        let stored = tx.workspace(large.whose.0).neighbours().vectors(&far, &set.model).await?;
        near.extend(likeness(stored, question));
    }

    let scale = scale(large.vectors.map(|(set, _)| set.model.as_str()));
    Ok(fuse::distinct(fuse::join(&words.order, &near, scale), sayings, most))
}

/// The passages nearest to the question, nearest first.
async fn near(
    db: &Db,
    large: LargeSearch<'_>,
    query: &Query<'_>,
    wanted: &HashSet<DocumentId>,
    depth: usize,
) -> Result<Ordered<f32>, StorageError> {
    let Some((set, question)) = large.vectors else {
        return Ok(Ordered { order: Vec::new(), terms: HashMap::new() });
    };
    let (workspace, assistant) = large.whose;
    let only: Option<Vec<DocumentId>> = filtered(query).then(|| wanted.iter().copied().collect());
    // A transaction of its own: its settings are not good for others.
    let mut tx = db.read().await?;
    let found = tx
        .workspace(workspace)
        .neighbours()
        .nearest(
            assistant,
            set,
            question,
            only.as_deref(),
            u32::try_from(depth).unwrap_or(u32::MAX),
        )
        .await?;
    drop(tx);
    let mut tx = db.read().await?;
    let terms = tx.workspace(workspace).neighbours().terms(&found).await?.into_iter().collect();
    let stored = tx.workspace(workspace).neighbours().vectors(&found, &set.model).await?;
    let mut order = likeness(stored, question);
    order.sort_by(|(one, a), (other, b)| b.total_cmp(a).then_with(|| one.cmp(other)));
    Ok(Ordered { order, terms })
}

/// The exact cosines of stored vectors with a question of unit length.
fn likeness(stored: Vec<(PassageId, Vec<u8>)>, question: &[f32]) -> Vec<(PassageId, f32)> {
    let (ids, rows): (Vec<PassageId>, Vec<Vec<u8>>) = stored.into_iter().unzip();
    let mut found = Vec::with_capacity(ids.len());
    if let Some(vectors) = Vectors::of((0_u32..).zip(rows)) {
        vectors.likeness(Arch::new(), question, |place, likeness| {
            found.push((ids[place as usize], likeness));
        });
    }
    found
}

/// The passages whose words fit best, best first, with how well, 0 to 1.
async fn words(
    tx: &mut Tx,
    large: LargeSearch<'_>,
    query: &Query<'_>,
    wanted: &HashSet<DocumentId>,
    depth: usize,
) -> Result<Ordered<f64>, StorageError> {
    let (workspace, assistant) = large.whose;
    let head = large.listed.head;
    let mut languages: Vec<&str> =
        large.listed.documents.iter().map(|document| document.language.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    let asked = meaningful(query.text, &languages);
    let stems: Vec<String> = asked.iter().flat_map(|word| word.stems.clone()).collect();
    let frequencies = large.listed.frequencies(tx, large.whose, stems).await?;
    let words = asked.iter().map(|word| {
        let frequency =
            word.stems.iter().map(|stem| frequencies[stem.as_str()]).max().unwrap_or_default();
        Word {
            meant: word.stems.iter().map(|stem| (hash(stem), 1.0)).collect(),
            frequency: usize::try_from(frequency).unwrap_or_default(),
            exact: frequency > 0,
        }
    });
    let known = head.passages.max(1);
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 52 bits")]
    let mean = head.stems as f64 / known as f64;
    let asked = WeighedQuestion::new(words.collect(), usize::try_from(known).unwrap_or(1), mean);
    // Some documents may hold none of the rarest, and are few enough to look for all.
    let rare = if query.documents.is_empty() && query.tags.is_empty() {
        rare(&frequencies)
    } else {
        frequencies.iter().filter(|(_, count)| **count > 0).map(|(stem, _)| stem.clone()).collect()
    };
    let only: Option<Vec<DocumentId>> = filtered(query).then(|| wanted.iter().copied().collect());
    let passages = tx.workspace(workspace).passages();
    let candidates = passages.candidates(assistant, &rare, only.as_deref(), CANDIDATES).await?;

    let stands: HashMap<u64, Substitute> = asked.stands().into_iter().collect();
    let stand = |term: &str| stands.get(&hash(term)).copied();
    let mut ranked: Vec<(PassageId, f64, String)> = candidates
        .into_iter()
        .filter(|candidate| wanted.contains(&candidate.document()))
        .map(|candidate| {
            let headings = terms::index_text(&candidate.headings);
            let score =
                asked.score(candidate.terms.split(' ').map(stand), headings.split(' ').map(stand));
            (candidate.id(), score, candidate.terms)
        })
        .collect();
    ranked.sort_by(|(_, a, one), (_, b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    ranked.truncate(depth);
    Ok(Ordered {
        order: ranked.iter().map(|(id, score, _)| (*id, *score)).collect(),
        terms: ranked.into_iter().map(|(id, _, terms)| (id, terms)).collect(),
    })
}

/// The rarest stems that together occur in at most [`CANDIDATES`] passages; always one that occurs
/// at all, if any does.
fn rare(frequencies: &HashMap<String, i64>) -> Vec<String> {
    let mut known: Vec<(i64, &str)> = frequencies
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(stem, count)| (*count, stem.as_str()))
        .collect();
    known.sort_unstable();
    let mut total = 0;
    known
        .into_iter()
        .enumerate()
        .take_while(|(rank, (count, _))| {
            total += count;
            *rank == 0 || total <= i64::from(CANDIDATES)
        })
        .map(|(_, (_, stem))| stem.to_owned())
        .collect()
}

fn filtered(query: &Query<'_>) -> bool {
    !query.documents.is_empty() || !query.tags.is_empty() || query.language.is_some()
}

fn wanted(documents: &[KnownDocument], query: &Query<'_>) -> HashSet<DocumentId> {
    documents
        .iter()
        .filter(|document| query.documents.is_empty() || query.documents.contains(&document.id))
        .filter(|document| document.is_chosen_by(query.tags))
        .filter(|document| query.language.is_none_or(|language| document.language == language))
        .map(|document| document.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_words_choose_the_candidates() {
        let counted = |counts: &[(&str, i64)]| {
            counts.iter().map(|(stem, count)| ((*stem).to_owned(), *count)).collect()
        };
        let frequencies = counted(&[("all", 1000), ("rare", 2), ("none", 0), ("some", 50)]);
        assert_eq!(rare(&frequencies), ["rare", "some"]);
        assert_eq!(rare(&counted(&[("all", 1000)])), ["all"]);
        assert!(rare(&counted(&[("none", 0)])).is_empty());
    }
}
