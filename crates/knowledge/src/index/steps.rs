//! The passages of a document are changed in steps, so that others can write in between.
//!
//! What becomes longer may grow step by step. A file that replaces another may not: it and the
//! passages that are found are of one version at any time. Its passages gather in a hidden document
//! and are handed over together, which is quick, because the index of words has them already.

use std::collections::{HashMap, HashSet};

use replyx_core::{
    clock::Clock,
    ids::{DocumentId, PassageId},
    knowledge::{Document, Replacement},
};
use replyx_storage::{
    Tx,
    passages::{NewPassage, PassageChanges, Span, StoredPassage},
};

use super::{
    INDEX_VERSION, IndexContext, IndexDocument, IndexError, TOGETHER, cut, reading::Reading,
};

/// A document whose passages are stored, all but committed.
pub(super) struct Stored {
    pub(super) tx: Tx,
    pub(super) document: Document,
    /// The file that waits to replace the document's.
    pub(super) waiting: Option<Replacement>,
    /// So many passages are new.
    pub(super) fresh: usize,
}

/// Changes the passages of a document to `pieces`; `None`: what was read is not its newest version
/// any more.
pub(super) async fn store(
    tools: IndexContext<'_>,
    job: IndexDocument,
    reading: &Reading,
    pieces: &[cut::Piece],
) -> Result<Option<Stored>, IndexError> {
    let mut current = HashSet::new();
    let mut fresh = 0;
    loop {
        let mut tx = tools.db.begin().await?;
        let locked = reading.lock(&mut tx, job).await?;
        let Some((document, waiting)) = locked else { return Ok(None) };

        let mut stored = tx.workspace(job.workspace_id).passages().of(document.id).await?;
        let staged = tx.workspace(job.workspace_id).replacements().staged(document.id).await?;
        let staged = staged.filter(|_| reading.is_new());
        if let Some(hidden) = staged {
            stored.extend(tx.workspace(job.workspace_id).passages().of(hidden).await?);
        }
        let made_by = tx.workspace(job.workspace_id).documents().index_version(document.id).await?;
        let is_stale = |id: &PassageId| made_by != INDEX_VERSION && !current.contains(id);
        let most = if reading.is_new() { usize::MAX } else { TOGETHER };
        let PassageStep { mut changes, mut is_last } =
            changes(stored, pieces, is_stale, most, tools.clock);

        if reading.is_new() {
            is_last = changes.new.len() + changes.reindexed.len() <= TOGETHER;
            let document = document.id;
            if is_last {
                take_over(&mut tx, tools.clock, job, (document, staged), &mut changes).await?;
            } else {
                changes = gather(&mut tx, tools.clock, job, (document, staged), changes).await?;
            }
        } else {
            tx.workspace(job.workspace_id).passages().change(document.id, &changes).await?;
        }

        fresh += changes.new.len();
        if is_last {
            return Ok(Some(Stored { tx, document, waiting, fresh }));
        }
        // Everything is decided again in the next transaction: what was changed here is found there
        // as it is now.
        tx.commit().await?;
        current.extend(changes.new.iter().map(|passage| passage.id));
        current.extend(changes.reindexed.iter().map(|(id, _, _)| *id));
    }
}

/// A document, and the hidden one in which the passages of its waiting file gather.
type Staged = (DocumentId, Option<DocumentId>);

/// Lets some passages of a waiting file gather; says which, and which of the present ones got new
/// stems.
async fn gather(
    tx: &mut Tx,
    clock: &Clock,
    job: IndexDocument,
    (document, staged): Staged,
    changes: PassageChanges,
) -> Result<PassageChanges, IndexError> {
    let PassageChanges { mut new, mut reindexed, .. } = changes;
    reindexed.truncate(TOGETHER);
    new.truncate(TOGETHER - reindexed.len());

    let hidden = hidden(tx, clock, job, (document, staged)).await?;
    tx.workspace(job.workspace_id).passages().add(hidden, document, &new).await?;
    let stems = PassageChanges { reindexed, ..PassageChanges::default() };
    tx.workspace(job.workspace_id).passages().change(document, &stems).await?;
    Ok(PassageChanges { new, ..stems })
}

/// Hands the passages of a waiting file over, and makes the last changes.
async fn take_over(
    tx: &mut Tx,
    clock: &Clock,
    job: IndexDocument,
    (document, staged): Staged,
    changes: &mut PassageChanges,
) -> Result<(), IndexError> {
    if let Some(hidden) = staged {
        tx.workspace(job.workspace_id).passages().hand_over(hidden, document).await?;
    }
    if changes.gone.len() > TOGETHER {
        let hidden = hidden(tx, clock, job, (document, staged)).await?;
        let gone = std::mem::take(&mut changes.gone);
        tx.workspace(job.workspace_id).passages().retire(&gone, hidden).await?;
    }
    tx.workspace(job.workspace_id).passages().change(document, changes).await?;
    Ok(())
}

/// The hidden document, made if there is none.
async fn hidden(
    tx: &mut Tx,
    clock: &Clock,
    job: IndexDocument,
    (document, staged): Staged,
) -> Result<DocumentId, IndexError> {
    if let Some(hidden) = staged {
        return Ok(hidden);
    }
    let hidden = clock.id();
    let replacements = tx.workspace(job.workspace_id).replacements();
    replacements.stage(document, hidden, clock.now()).await?;
    Ok(hidden)
}

/// Some of what has to change.
struct PassageStep {
    changes: PassageChanges,
    /// Nothing else has to.
    is_last: bool,
}

/// What has to change for the stored passages to become these, at most so many changes. A passage
/// with the words of a stored one is that one, wherever it stands now; one that is stale gets new
/// stems. Those that are not wanted any more go last, so that something is found all the time.
fn changes(
    stored: Vec<StoredPassage>,
    passages: &[cut::Piece],
    is_stale: impl Fn(&PassageId) -> bool,
    most: usize,
    clock: &Clock,
) -> PassageStep {
    let mut known: HashMap<String, Vec<StoredPassage>> = HashMap::new();
    for passage in stored.into_iter().rev() {
        known.entry(passage.hash.clone()).or_default().push(passage);
    }
    let mut changes = PassageChanges::default();
    let mut room = most;
    let mut is_last = true;
    for (piece, position) in passages.iter().zip(0_i64..) {
        let place = Span { position, start: piece.start, end: piece.end, page: piece.page };
        let same = known.get_mut(&piece.hash).and_then(Vec::pop);
        let is_moved = same.as_ref().is_some_and(|same| same.place != place);
        let is_stale = same.as_ref().is_some_and(|same| is_stale(&same.id));
        if same.is_some() && !is_moved && !is_stale {
            continue;
        }
        if room == 0 {
            is_last = false;
            continue;
        }
        room -= 1;
        match same {
            Some(same) => {
                if is_moved {
                    changes.moved.push((same.id, place));
                }
                if is_stale {
                    changes.reindexed.push((same.id, piece.terms.clone(), piece.length));
                }
            }
            None => changes.new.push(NewPassage {
                id: clock.id(),
                headings: piece.headings.clone(),
                text: piece.text.clone(),
                hash: piece.hash.clone(),
                terms: piece.terms.clone(),
                length: piece.length,
                place,
            }),
        }
    }

    let unwanted: Vec<PassageId> =
        known.into_values().flatten().map(|passage| passage.id).collect();
    if is_last {
        is_last = unwanted.len() <= room;
        changes.gone = unwanted.into_iter().take(room).collect();
    }
    PassageStep { changes, is_last }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(hash: &str, start: i64) -> cut::Piece {
        cut::Piece {
            headings: String::new(),
            text: hash.to_owned(),
            hash: hash.to_owned(),
            terms: hash.to_owned(),
            length: 1,
            start,
            end: start + 1,
            page: None,
        }
    }

    #[test]
    fn only_passages_that_changed_are_replaced() {
        let clock = Clock::system();
        let place =
            |position: i64| Span { position, start: position, end: position + 1, page: None };
        let stored: Vec<StoredPassage> = ["a", "b", "b", "c"]
            .into_iter()
            .zip(0..)
            .map(|(hash, at)| StoredPassage {
                id: clock.id(),
                hash: hash.to_owned(),
                place: place(at),
            })
            .collect();
        let pieces = ["a", "new", "b", "b"].into_iter().zip(0..).map(|(hash, at)| piece(hash, at));
        let pieces: Vec<_> = pieces.collect();
        let PassageStep { changes, is_last } =
            changes(stored.clone(), &pieces, |_| false, 9, &clock);
        assert!(is_last);
        assert_eq!(changes.gone, [stored[3].id]);
        assert_eq!(changes.moved, [(stored[1].id, place(2)), (stored[2].id, place(3))]);
        assert_eq!(changes.new.iter().map(|new| new.text.as_str()).collect::<Vec<_>>(), ["new"]);
        assert!(changes.reindexed.is_empty());
    }

    #[test]
    fn new_rules_give_every_kept_passage_its_stems_anew() {
        let clock = Clock::system();
        let place = Span { position: 0, start: 0, end: 1, page: None };
        let stored = vec![StoredPassage { id: clock.id(), hash: "a".to_owned(), place }];
        let PassageStep { changes, .. } =
            changes(stored.clone(), &[piece("a", 0)], |_| true, 9, &clock);
        assert_eq!(changes.reindexed, [(stored[0].id, "a".to_owned(), 1)]);
        assert!(changes.new.is_empty() && changes.gone.is_empty());
    }

    /// Whatever the steps, they end with the passages that are wanted, each in its place, and every
    /// stale one is stemmed again once.
    #[test]
    fn many_changes_are_made_a_few_at_a_time() {
        let clock = Clock::system();
        let at = |position: i64| Span { position, start: position, end: position + 1, page: None };
        let stored = |hash: &str, position| StoredPassage {
            id: clock.id(),
            hash: hash.to_owned(),
            place: at(position),
        };
        let mut now: Vec<_> = ["x", "a", "b", "b", "y", "z"]
            .into_iter()
            .zip(0..)
            .map(|(hash, n)| stored(hash, n))
            .collect();
        let wanted = ["a", "n", "b", "n", "m", "b", "b"];
        let pieces: Vec<_> = wanted.into_iter().zip(0..).map(|(hash, n)| piece(hash, n)).collect();
        let mut current = HashSet::new();
        let mut reindexed = 0;
        for step in 1.. {
            let is_stale = |id: &PassageId| !current.contains(id);
            let PassageStep { changes, is_last } =
                changes(now.clone(), &pieces, is_stale, 2, &clock);
            assert!(changes.new.len() + changes.gone.len() + changes.reindexed.len() <= 2);
            reindexed += changes.reindexed.len();
            for (id, place) in &changes.moved {
                now.iter_mut().find(|passage| passage.id == *id).unwrap().place = *place;
            }
            now.retain(|passage| !changes.gone.contains(&passage.id));
            for NewPassage { id, hash, place, .. } in changes.new {
                current.insert(id);
                now.push(StoredPassage { id, hash, place });
            }
            current.extend(changes.reindexed.iter().map(|(id, _, _)| *id));
            if is_last {
                assert!(step > 3, "all at once");
                break;
            }
        }
        now.sort_by_key(|passage| passage.place.position);
        let ended: Vec<_> =
            now.iter().map(|passage| (passage.hash.as_str(), passage.place)).collect();
        let expected: Vec<_> = wanted.into_iter().zip((0..).map(at)).collect();
        assert_eq!(ended, expected);
        assert_eq!(reindexed, 3, "`a` and two `b` were there");
    }
}
