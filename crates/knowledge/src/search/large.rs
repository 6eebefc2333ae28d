//! Search through the full-text index of the database, for an assistant whose knowledge does not fit in memory.
//!
//! By words alone, and by the words as they are asked: relatives and misspellings need all terms at hand. Candidates
//! are those passages that hold the question's rarest words: common ones decide nothing, and would bring half
//! the index along.

use std::collections::{HashMap, HashSet};

use replyx_core::{
    ids::{AssistantId, DocumentId, PassageId, WorkspaceId},
    knowledge::Passage,
    terms,
};
use replyx_storage::{
    Db, StorageError,
    knowledge::{Head, KnownDocument},
};

use super::{
    MAX_HITS, Query,
    asked::meaningful,
    score::{Asked, Stand, Word},
    segment::hash,
};

/// No more passages than this are compared for one question.
const CANDIDATES: u32 = 400;

/// The passages that fit best, best first, with how well, 0 to 1.
pub(super) async fn find(
    db: &Db,
    (workspace, assistant): (WorkspaceId, AssistantId),
    (documents, head): (&[KnownDocument], Head),
    query: &Query<'_>,
) -> Result<Vec<(Passage, f64)>, StorageError> {
    let mut languages: Vec<&str> =
        documents.iter().map(|document| document.language.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    let asked = meaningful(query.text, &languages);
    let stems: Vec<String> = asked.iter().flat_map(|word| word.stems.clone()).collect();
    let mut tx = db.read().await?;
    let counts = tx.workspace(workspace).passages().frequencies(assistant, &stems).await?;
    let frequencies: HashMap<&str, i64> = stems.iter().map(String::as_str).zip(counts).collect();
    let words = asked.iter().map(|word| {
        let frequency =
            word.stems.iter().map(|stem| frequencies[stem.as_str()]).max().unwrap_or_default();
        Word {
            meant: word.stems.iter().map(|stem| (hash(stem), 1.0)).collect(),
            frequency: usize::try_from(frequency).unwrap_or_default(),
            exact: frequency > 0,
        }
    });
    let passages = head.passages.max(1);
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 52 bits")]
    let mean = head.stems as f64 / passages as f64;
    let asked = Asked::new(words.collect(), usize::try_from(passages).unwrap_or(1), mean);
    let rare = rare(&frequencies);
    let candidates =
        tx.workspace(workspace).passages().candidates(assistant, &rare, CANDIDATES).await?;

    let stands: HashMap<u64, Stand> = asked.stands().into_iter().collect();
    let stand = |term: &str| stands.get(&hash(term)).copied();
    let mut ranked: Vec<(PassageId, f64, String)> = Vec::new();
    for candidate in candidates {
        let headings = terms::index_text(&candidate.headings);
        let score =
            asked.score(candidate.terms.split(' ').map(stand), headings.split(' ').map(stand));
        ranked.push((candidate.id(), score, candidate.terms));
    }
    ranked.sort_by(|(_, a, one), (_, b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    let wanted = wanted(documents, query);
    let mut found = Vec::new();
    for some in ranked.chunks(MAX_HITS) {
        let ids: Vec<PassageId> = some.iter().map(|(id, ..)| *id).collect();
        let scores: HashMap<PassageId, f64> =
            some.iter().map(|(id, score, _)| (*id, *score)).collect();
        let loaded = tx.workspace(workspace).passages().load(&ids).await?;
        let fitting = loaded.into_iter().filter(|passage| wanted.contains(&passage.document_id));
        found.extend(fitting.map(|passage| {
            let score = scores[&passage.id];
            (passage, score)
        }));
        if found.len() >= query.limit {
            break;
        }
    }
    found.truncate(query.limit.min(MAX_HITS));
    Ok(found)
}

/// The rarest stems that together occur in at most [`CANDIDATES`] passages; always one that occurs at all, if any
/// does.
fn rare(frequencies: &HashMap<&str, i64>) -> Vec<String> {
    let mut known: Vec<(i64, &str)> = frequencies
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(stem, count)| (*count, *stem))
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

fn wanted(documents: &[KnownDocument], query: &Query<'_>) -> HashSet<DocumentId> {
    documents
        .iter()
        .filter(|document| query.documents.is_empty() || query.documents.contains(&document.id))
        .filter(|document| query.language.is_none_or(|language| document.language == language))
        .map(|document| document.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_words_choose_the_candidates() {
        let frequencies = HashMap::from([("all", 1000), ("rare", 2), ("none", 0), ("some", 50)]);
        assert_eq!(rare(&frequencies), ["rare", "some"]);
        assert_eq!(rare(&HashMap::from([("all", 1000)])), ["all"]);
        assert!(rare(&HashMap::from([("none", 0)])).is_empty());
    }
}
